/**
 * Several services as one release: every service has a release of its own (R7), and together they are finished
 * or taken back. What one says to the others is decided here; one write of control makes it true for all.
 */
import { describeError, SegueError } from '../errors.ts';
import type { ReleaseRecord } from './records.ts';
import type { SchemaChange } from './schema.ts';
import { isPromoted, type ReleaseEvent, type ReleaseState, transition } from './state.ts';
import type { Step } from './step.ts';

export interface Member {
  readonly release: string;
  readonly service: string;
  /** Services of the group that come first: this one begins when they have full traffic, and goes back before them. */
  readonly after: readonly string[];
}

/** Among the services of one group, each with those that come before it; what lies between them may be outside. */
export function orderWithin(
  names: readonly string[],
  afterOf: (service: string) => readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const before = (name: string, seen: Set<string>): Set<string> => {
    for (const each of afterOf(name)) {
      if (seen.has(each)) continue;
      seen.add(each);
      before(each, seen);
    }
    return seen;
  };
  return new Map(
    names.map((name) => {
      const earlier = before(name, new Set());
      return [name, names.filter((each) => each !== name && earlier.has(each))] as const;
    }),
  );
}

/** The same order the other way round: what came last goes back first. */
export function reversed(
  order: ReadonlyMap<string, readonly string[]>,
): ReadonlyMap<string, readonly string[]> {
  const names = [...order.keys()];
  return new Map(
    names.map((name) => [name, names.filter((each) => order.get(each)?.includes(name))] as const),
  );
}

/** The plan of a member: it waits for those before it, and for all before it promotes its version. */
export function joined(steps: readonly Step[], to: string, member: Joining): Step[] {
  const { after, others } = member;
  if (others.length === 0) return [...steps];
  const started = steps.flatMap((step) => (step.kind === 'start' ? step.instances : []));
  const instances = started.filter(({ version }) => version === to);
  const first: Step[] = after.length > 0 ? [{ kind: 'after', services: after, until: 'full-traffic' }] : [];
  const together: Step = { kind: 'together', services: others, instances };
  const promotes = steps.findIndex((step) => step.kind === 'promote');
  // One that stops has nothing to finish with the others.
  if (promotes === -1) throw new SegueError('NOT_TOGETHER', `By its plan ${to} stops.`);
  return [...first, ...steps.slice(0, promotes), together, ...steps.slice(promotes)];
}

export interface Joining {
  readonly after: readonly string[];
  readonly others: readonly string[];
  /** The service whose release changes the database for all of them; left out or null: this one, if any. */
  readonly bringer?: string | null;
  /** What the others need of the database, where this one brings it. */
  readonly brings?: readonly SchemaChange[];
}

/** Whatever the release does to the database before it moves traffic is done. */
export function hasSchema({ state, plan }: ReleaseRecord): boolean {
  if (state.phase === 'ended') return true;
  const last = plan.steps.findLastIndex(({ kind }) => kind === 'expand' || kind === 'backfill');
  return state.phase === 'forward' && state.at > last;
}

/** Everything goes to its candidate, or all of its workers work; what is left are the bake and the others. */
export function hasFullTraffic({ state, plan }: ReleaseRecord): boolean {
  if (state.phase !== 'forward') return false;
  const routed = plan.steps.findLastIndex((step) => step.kind === 'route');
  const left = plan.steps.findIndex(
    ({ kind }, index) => index > routed && (kind === 'flag' || kind === 'bake' || kind === 'together'),
  );
  return left !== -1 && state.at >= left;
}

/** It waits for the others, and nobody has paused it. */
export function isThere({ state, plan }: ReleaseRecord): boolean {
  if (state.phase !== 'forward') return false;
  return state.underWay && !state.paused && plan.steps[state.at]?.kind === 'together';
}

const MOVES: ReadonlySet<Step['kind']> = new Set(['start', 'ready', 'route', 'drain'] as const);

/** Until workers have ended they take jobs, or have some. */
const moves = (step: Step) => MOVES.has(step.kind) || (step.kind === 'stop' && step.drainMs !== undefined);

/** No request goes to its candidate any more, and none is under way there; candidates that are workers have ended. */
export function isOutOfTraffic({ state }: ReleaseRecord): boolean {
  if (state.phase === 'ended') return true;
  return state.phase === 'back' && !state.steps.slice(state.at).some(moves);
}

/**
 * What an event of one member makes of another. Abort, pause, resume and promote are for the whole group; an
 * approval is for the step that asked for it.
 */
export function heard(other: ReleaseRecord, by: ReleaseRecord, event: ReleaseEvent): ReleaseEvent | null {
  const { state, plan } = other;
  if (state.phase !== 'forward' || isPromoted(state, plan.steps)) return null;
  if (event.type === 'paused') return state.paused ? null : event;
  if (event.type === 'resumed') return state.paused ? event : null;
  const after = transition(by.state, event, by.plan.steps);
  return by.state.phase === 'forward' && after.phase === 'turning'
    ? { type: 'turned', cause: turnedBy(by, after) }
    : null;
}

function turnedBy({ id, service }: ReleaseRecord, { cause }: Extract<ReleaseState, { phase: 'turning' }>) {
  return { code: 'GROUP_TURNED', detail: `${id} of ${service}: ${describeError(cause)}` } as const;
}

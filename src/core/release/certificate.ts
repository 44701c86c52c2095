import { planBack } from './back.ts';
import { formatDurationMs } from '../units.ts';
import type { Facts } from './facts.ts';
import type { SchemaChange } from './schema.ts';
import { factsOf, simulate, simulationOf } from './simulation.ts';
import type { Step } from './step.ts';

/** The rollback certificate: what going back would take, made before traffic moves. */
export interface Certificate {
  /** Null where there is nothing to go back to: the first release of a service. */
  readonly to: string | null;
  readonly ways: readonly WayBack[];
  /** What was found that would make going back fail, such as lost files of the old version. */
  readonly problems: readonly string[];
  /** What ends the way back for good, after the release; left out: nothing. */
  readonly contracts?: readonly Pick<SchemaChange, 'name' | 'keepMs' | 'comesBack'>[];
}

/** How one goes back while the steps `fromStep` to `toStep` (counted from 1) are the last ones done. */
export interface WayBack {
  readonly fromStep: number;
  readonly toStep: number;
  readonly how:
    | 'untouched'
    | 'one-routing'
    | 'start-again'
    | 'wait'
    | 'workers-again'
    | 'jobs-wait'
    | 'one-write'
    | 'new-release';
  /** Instances of stable that would have to be started. */
  readonly starts: number;
  /** Changes of the database that stay as far as they are, because both versions can use them. */
  readonly expanded?: readonly string[];
  /** Changes whose contracts stay taken back: versions from before them and after them can run. */
  readonly restored?: readonly string[];
  /** Flags that go down before anything else; left out: none. */
  readonly lowers?: readonly string[];
}

export function certify(
  facts: Facts,
  steps: readonly Step[],
  release: string,
  problems: readonly string[],
): Certificate {
  const ways: WayBack[] = [];
  let simulation = simulationOf(facts);
  for (const [index, step] of steps.entries()) {
    simulation = simulate(simulation, step);
    const promoted = simulation.stable !== facts.stable;
    const way: Way = promoted
      ? ({ how: 'new-release', starts: 0 } as const)
      : wayBack(planBack({ facts: factsOf(simulation, facts), release, urgent: false }));
    const stays = staysAfter(steps.slice(0, index + 1));
    const last = ways.at(-1);
    if (last && isAlike(last, way) && isLeft(last, stays))
      ways[ways.length - 1] = { ...last, toStep: index + 1 };
    else ways.push({ ...way, ...stays, fromStep: index + 1, toStep: index + 1 });
  }
  return { to: facts.stable, ways, problems };
}

function isAlike(a: Way, b: Way): boolean {
  return a.how === b.how && a.starts === b.starts && a.lowers?.join() === b.lowers?.join();
}

type Stays = Pick<WayBack, 'expanded' | 'restored'>;

function isLeft(a: Stays, b: Stays): boolean {
  return a.expanded?.length === b.expanded?.length && a.restored?.length === b.restored?.length;
}

/** To take it away would cost the backfill once more with the next try, and both versions can run with it. */
function staysAfter(done: readonly Step[]): Stays {
  const expanded = done.flatMap((step) =>
    step.kind === 'expand'
      ? [step.change.name]
      : step.kind === 'backfill'
        ? step.changes.map(({ name }) => name)
        : [],
  );
  const restored = done.flatMap((step) => (step.kind === 'restore' ? [step.change.name] : []));
  return {
    ...(expanded.length > 0 ? { expanded: [...new Set(expanded)] } : {}),
    ...(restored.length > 0 ? { restored } : {}),
  };
}

type Way = Pick<WayBack, 'how' | 'starts' | 'lowers'>;

function wayBack(back: readonly Step[]): Way {
  const [lowers] = back.flatMap((step) => (step.kind === 'lower' ? [step.flags] : []));
  return { ...moves(back), ...(lowers ? { lowers } : {}) };
}

function moves(back: readonly Step[]): Way {
  const starts = back.reduce((sum, step) => sum + (step.kind === 'start' ? step.instances.length : 0), 0);
  const routes = back.some((step) => step.kind === 'route');
  // R10: where the candidate has to end first, nobody serves meanwhile.
  const [first] = back.filter((step) => step.kind === 'stop' || step.kind === 'start');
  const waits = first?.kind === 'stop';
  if (starts > 0 && !routes) return { how: waits ? 'jobs-wait' : 'workers-again', starts };
  if (starts > 0) return { how: waits ? 'wait' : 'start-again', starts };
  return { how: routes ? 'one-routing' : 'untouched', starts };
}

/**
 * `to` is the certificate's: without a version to go back to, going back means that nothing serves. `subject`: what has
 * to be named to go back after the end; left out: the service, as always.
 */
export function describeWay(way: WayBack, to: string | null, subject?: string): string {
  const { expanded = [], restored = [] } = way.how === 'new-release' ? {} : way;
  const schema = [
    ...(restored.length > 0 ? [`; what was contracted of ${restored.join(', ')} stays taken back`] : []),
    ...(expanded.length > 0
      ? [`; ${expanded.join(', ')} ${expanded.length > 1 ? 'stay' : 'stays'} expanded`]
      : []),
  ].join('');
  const lowers = way.lowers ? `${way.lowers.join(', ')} lowered first; ` : '';
  return `${lowers}${describeHow(way, to, subject)}${schema}`;
}

/** Where the way back ends for good. */
export function describeEnd({ contracts = [], to }: Certificate): string[] {
  if (to === null) return [];
  return contracts.map(({ name, keepMs, comesBack }) => {
    if (comesBack)
      return `${to} can come back until ${formatDurationMs(keepMs)} after the contract of ${name}, which is taken back first; then that is refused`;
    const kept = keepMs > 0 ? `; what it used is kept in step for ${formatDurationMs(keepMs)} more` : '';
    return `${to} can come back until the contract of ${name}, then that is refused${kept}`;
  });
}

function describeHow(way: WayBack, to: string | null, subject: string | undefined): string {
  if (to === null && way.how !== 'new-release')
    return 'the candidate is stopped, and nothing serves as before';
  switch (way.how) {
    case 'untouched':
      return 'stable is untouched; the candidate is only stopped';
    case 'one-routing':
      return 'one routing: stable is warm';
    case 'start-again':
      return `${way.starts} of stable started again, then one routing`;
    case 'wait':
      return `requests wait: the candidate ends, then ${way.starts} of stable started again`;
    case 'workers-again':
      return `${way.starts} of stable started again, then the candidate is told to stop`;
    case 'jobs-wait':
      return `jobs wait: the candidate ends, then ${way.starts} of stable started again`;
    case 'one-write':
      return 'one change of the flag: it is as it was before';
    case 'new-release':
      return `finished: "segue rollback${subject === undefined ? '' : ` ${subject}`}" makes a new release`;
  }
}

/**
 * The database as a release sees it (R6): which changes there are, how far each has come, and which of them a version
 * was made with. A version that was made with a change uses what the change brings; any other one uses what its
 * contract takes away.
 */
import type { AfterStep, BackfillStep, ChangeRef, Step } from './step.ts';

/**
 * `expanded`: both versions can run, rows that were there are still being filled. `filled`: the new version can use
 * it. `contracted`: what the old version writes is passed on no more, what it used is still there and kept up to date.
 * `finished`: what it used is gone.
 */
export type Reach = 'new' | 'expanded' | 'filled' | 'contracted' | 'finished';

/** What was begun of it and has not ended: its contract, or the way back from it. */
export type Halfway = 'contract' | 'restore';

export interface SchemaChange extends ChangeRef {
  readonly reach: Reach;
  /** Left out or null: nothing. */
  readonly halfway?: Halfway | null;
  /** How long what the old version used stays after the contract. */
  readonly keepMs: number;
  /** For so long its contract can be taken back; left out: it cannot. */
  readonly comesBack?: boolean;
}

export interface SchemaFacts {
  /** In the order in which they run. */
  readonly changes: readonly SchemaChange[];
  /** The changes that versions were made with; a version that is not here was made before all of them. */
  readonly known: Readonly<Record<string, readonly string[]>>;
}

export function madeWith({ known }: SchemaFacts, version: string): readonly string[] {
  return Object.hasOwn(known, version) ? (known[version] ?? []) : [];
}

export function knows(schema: SchemaFacts, version: string, change: string): boolean {
  return madeWith(schema, version).includes(change);
}

/** What has to be done before the version can have traffic. */
export function pendingFor(schema: SchemaFacts, version: string): SchemaChange[] {
  const isOpen = ({ reach }: SchemaChange) => reach === 'new' || reach === 'expanded';
  return schema.changes.filter((change) => isOpen(change) && knows(schema, version, change.name));
}

/** What is to be contracted once nothing but this version and its like is left. */
export function contractsFor(schema: SchemaFacts, version: string): SchemaChange[] {
  const isOpen = ({ reach }: SchemaChange) => reach !== 'contracted' && reach !== 'finished';
  return schema.changes.filter((change) => isOpen(change) && knows(schema, version, change.name));
}

/** Changes that the version was made before, and that are so far: from `contracted` on it cannot run as they are. */
export function strangeTo(schema: SchemaFacts, version: string, reach: Reach): SchemaChange[] {
  return schema.changes.filter((change) => change.reach === reach && !knows(schema, version, change.name));
}

/**
 * A contract that would have to be taken back, and one that was made after it and stays, because the version was made
 * with that one: they go back in the opposite order, or not at all. Undefined: none is in the way of another.
 */
export function stuckUnder(
  schema: SchemaFacts,
  version: string,
): readonly [SchemaChange, SchemaChange] | undefined {
  const [first] = strangeTo(schema, version, 'contracted');
  const after = first ? schema.changes.slice(schema.changes.indexOf(first) + 1) : [];
  const stays = after.find(
    ({ name, reach }) => (reach === 'contracted' || reach === 'finished') && knows(schema, version, name),
  );
  return first && stays ? [first, stays] : undefined;
}

/**
 * The schema's steps among those of a strategy: expanded before anything of the candidate runs, rows filled beside its
 * start, and all of them there before a test or a user meets it. Where requests wait for the candidate (handover),
 * nothing is left to be filled while they do. `atWork`: workers, which work from their start; where two must not run
 * at once, the old ones work until all is there.
 */
export function withSchema(
  steps: readonly Step[],
  pending: readonly SchemaChange[],
  atWork: boolean,
): Step[] {
  if (pending.length === 0) return [...steps];
  const changes = pending.map(refOf);
  const expand = changes
    .filter((_, i) => pending[i]?.reach === 'new')
    .map((change): Step => ({ kind: 'expand', change }));
  const backfill = (until: BackfillStep['until']): Step => ({ kind: 'backfill', changes, until });
  const met: ReadonlySet<Step['kind']> = new Set(atWork ? WORKING : ['route', 'smoke']);
  const meets = firstOf(steps, ({ kind }) => met.has(kind));
  const begins = Math.min(
    meets,
    firstOf(steps, (step) => step.kind === 'start'),
  );
  const between = steps.slice(begins, meets);
  return [
    ...steps.slice(0, begins),
    ...expand,
    ...(between.length > 0 ? [backfill('begun')] : []),
    ...between,
    backfill('done'),
    ...steps.slice(meets),
  ];
}

/** A version from before a contract: what the contract took away comes first, what came last before the others. */
export function withRestored(steps: readonly Step[], schema: SchemaFacts, version: string): Step[] {
  const bound = strangeTo(schema, version, 'contracted').filter((change) => change.comesBack);
  return [
    ...bound.toReversed().map((change): Step => ({ kind: 'restore', change: refOf(change) })),
    ...steps,
  ];
}

/** Of a group one service brings the schema for all. */
export function afterSchema(steps: readonly Step[], bringer: string | null): Step[] {
  const waits: AfterStep[] =
    bringer === null ? [] : [{ kind: 'after', services: [bringer], until: 'schema' }];
  return [...waits, ...steps];
}

const WORKING = ['start', 'stop', 'smoke'] as const;

function firstOf(steps: readonly Step[], is: (step: Step) => boolean): number {
  const index = steps.findIndex(is);
  return index === -1 ? steps.length : index;
}

export function refOf({ name, digest }: ChangeRef): ChangeRef {
  return { name, digest };
}

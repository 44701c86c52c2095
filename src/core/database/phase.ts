/** Where a change is, and what it may do from there. */
import { SegueError } from '../errors.ts';

export type Phase =
  | 'new'
  | 'expanding'
  | 'expanded'
  | 'ready'
  | 'contracting'
  | 'contracted'
  | 'restoring'
  | 'finished'
  | 'reverting'
  | 'reverted'
  | 'adopted';

export type Act = 'expand' | 'backfill' | 'contract' | 'restore' | 'revert';

export interface Placed {
  readonly name: string;
  readonly phase: Phase;
  /** Some of what it replaced is dropped; left out: nothing is. */
  readonly dropping?: boolean;
}

/** Each act may also be done again: then it finds everything done. */
const ALLOWED: Readonly<Record<Act, readonly Phase[]>> = {
  expand: ['new', 'reverted', 'expanding', 'expanded', 'ready'],
  backfill: ['expanded', 'ready'],
  contract: ['ready', 'contracting', 'contracted', 'finished'],
  restore: ['contracting', 'contracted', 'restoring', 'ready'],
  revert: [
    'expanding',
    'expanded',
    'ready',
    'contracting',
    'contracted',
    'restoring',
    'reverting',
    'reverted',
  ],
};

const WHY: Readonly<Record<Act, string>> = {
  expand: 'it can be expanded while it is new or reverted',
  backfill: 'it has to be expanded first',
  contract: 'its backfill has to be done first',
  restore: 'there is a way back from the contract until the old columns are dropped',
  revert: 'there is a way back from expand to contract, until the old columns are dropped',
};

const IN_USE: ReadonlySet<Phase> = new Set([
  'expanding',
  'expanded',
  'ready',
  'contracting',
  'contracted',
  'restoring',
  'reverting',
]);
const BEHIND: ReadonlySet<Phase> = new Set(['contracted', 'finished', 'adopted']);
/** What old code writes does not reach what comes after. */
const CLOSED: ReadonlySet<Phase> = new Set(['contracting', 'contracted', 'restoring', 'finished']);
const BEGUN: ReadonlySet<Phase> = new Set(['expanded', 'ready', 'contracting', 'restoring', ...BEHIND]);

/** Throws CHANGE_ORDER. `all` are in their order; a change that is not among them is new. */
export function mustBeAllowed(act: Act, name: string, all: readonly Placed[]): void {
  const at = all.findIndex((each) => each.name === name);
  const phase = all[at]?.phase ?? 'new';
  if (!ALLOWED[act].includes(phase))
    throw new SegueError('CHANGE_ORDER', `${name} is ${phase}; ${WHY[act]}.`);
  if (all[at]?.dropping && (act === 'restore' || act === 'revert'))
    throw new SegueError(
      'CHANGE_ORDER',
      `What ${name} replaced is being dropped; "segue database contract ${name} --now" ends it.`,
    );
  const before = all.slice(0, Math.max(0, at));
  const after = all.slice(at + 1);
  const waits =
    act === 'expand' || act === 'backfill'
      ? before.find((each) => !BEGUN.has(each.phase))
      : act === 'contract'
        ? before.find((each) => !BEHIND.has(each.phase))
        : after.find((each) => (act === 'restore' ? CLOSED : IN_USE).has(each.phase));
  if (!waits) return;
  const order =
    act === 'revert' || act === 'restore' ? 'comes after it and has to go back first' : 'comes first';
  throw new SegueError('CHANGE_ORDER', `${waits.name} is ${waits.phase} and ${order}.`);
}

/** Which changes a rehearsal goes through, and what has to be made before it. */
import type { Change } from '../change.ts';
import { comesBack } from '../kept.ts';
import type { ChangeState } from '../runner.ts';
import type { Phase } from '../phase.ts';
import type { End } from './report.ts';
import { SegueError } from '../../errors.ts';

export interface Course {
  /** Made to the end first: the old version is the one that came with them. */
  readonly earlier: readonly Change[];
  readonly rehearsed: readonly Change[];
  readonly notes: readonly string[];
}

const OPEN: ReadonlySet<Phase> = new Set<Phase>(['new', 'reverted', 'expanding', 'expanded', 'ready']);
const CONTRACTED: ReadonlySet<Phase> = new Set<Phase>([
  'contracting',
  'contracted',
  'restoring',
  'reverting',
]);

/** `named` is the name of a folder; null: every change that is not finished. Throws REHEARSAL_NOTHING, CHANGE_UNKNOWN. */
export function courseOf(
  changes: readonly Change[],
  states: readonly ChangeState[],
  named: string | null,
): Course {
  const phaseOf = (name: string): Phase => states.find((state) => state.name === name)?.phase ?? 'new';
  const open = changes.filter(({ name }) => OPEN.has(phaseOf(name)));
  const notes = changes
    .filter(({ name }) => CONTRACTED.has(phaseOf(name)))
    .map(({ name }) => `${name} is ${phaseOf(name)}: it stays as it is`);
  if (named === null) {
    if (open.length > 0) return { earlier: [], rehearsed: open, notes };
    throw new SegueError('REHEARSAL_NOTHING', nothing(changes));
  }
  if (!changes.some(({ name }) => name === named))
    throw new SegueError('CHANGE_UNKNOWN', `"${named}" was asked for.`);
  const at = open.findIndex(({ name }) => name === named);
  if (at === -1) throw new SegueError('REHEARSAL_NOTHING', `${named} is ${phaseOf(named)}.`);
  return { earlier: open.slice(0, at), rehearsed: open.slice(at, at + 1), notes };
}

const nothing = (changes: readonly Change[]) =>
  changes.length === 0 ? 'There are no changes in the folder.' : 'Every change is contracted or finished.';

export const endsOf = (changes: readonly Change[]): End[] =>
  changes.map((change) => ({ name: change.name, keepMs: change.keepMs, comesBack: comesBack(change) }));

/** Those whose contracts can be taken back: a later one that cannot would be in the way of every one before it. */
export function comingBack(changes: readonly Change[]): readonly Change[] {
  const at = changes.findIndex((change) => !comesBack(change));
  return at === -1 ? changes : changes.slice(0, at);
}

/** SQL of the user's that says no way back: to run none would look like one. */
export function noWayBackOf({ name, body }: Change): string | null {
  if (body.form === 'sql') return body.files.revert.length === 0 ? `${name} has no revert.sql` : null;
  const at = body.operations.findIndex((operation) => operation.type === 'sql' && operation.down === null);
  return at === -1 ? null : `${name}, operations[${at}] (sql) has no "down"`;
}

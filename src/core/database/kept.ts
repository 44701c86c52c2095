import type { Change, Operation } from './change.ts';

/** Operations that leave something in step after the contract, until its time is over. */
const KEEPING: ReadonlySet<Operation['type']> = new Set([
  'renameColumn',
  'splitColumn',
  'mergeColumns',
  'dropColumn',
  'renameTable',
  'dropTable',
  'moveRows',
] as const);

const keeps = (operation: Operation): boolean =>
  KEEPING.has(operation.type) || (operation.type === 'changeType' && operation.to !== null);

/** Whether there is a way back from its contract, for as long as what it replaced is kept. */
export function comesBack({ keepMs, body }: Change): boolean {
  if (keepMs === 0 || body.form === 'sql') return false;
  const { operations } = body;
  return operations.some(keeps) && operations.every((each) => each.type !== 'sql' || each.contract === null);
}

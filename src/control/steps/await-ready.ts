import { type ErrorRecord, SegueError } from '../../core/errors.ts';
import { exitFailure, readyFailure } from '../instance-failure.ts';
import { until } from '../until.ts';
import type { StepContext } from './handler.ts';

/** Resolves when all of them are ready at once; fails when one has ended or when the time has passed. */
export async function awaitReady(
  ids: readonly string[],
  withinMs: number,
  context: StepContext,
): Promise<void> {
  const { fleet, ports, signal } = context;
  const settled = () => ids.every((id) => fleet.isReady(id)) || ids.some((id) => isGone(id, context));
  await until(settled, (check) => fleet.onChange(check), { clock: ports.clock, withinMs, signal });
  await refuseUnready(ids, withinMs, context);
}

/** Fails with the reason of the first that is not ready. */
export async function refuseUnready(
  ids: readonly string[],
  withinMs: number,
  context: StepContext,
): Promise<void> {
  const { fleet } = context;
  const unready = ids.filter((id) => !fleet.isReady(id));
  // One that has ended is the reason, however early it comes for those that were not ready yet.
  const id = unready.find((each) => isGone(each, context)) ?? unready[0];
  if (id === undefined) return;
  const { code, detail } = fleet.failure(id) ?? (await describeUnready(id, withinMs, context));
  throw new SegueError(code, detail);
}

function isGone(id: string, { fleet, ledger }: StepContext): boolean {
  return fleet.failure(id) !== undefined || ledger.instance(id) === undefined;
}

async function describeUnready(
  id: string,
  withinMs: number,
  { fleet, ledger, ports }: StepContext,
): Promise<ErrorRecord> {
  const lastLines = await fleet.lastLines(id);
  const record = ledger.instance(id);
  if (!record) return exitFailure(id, 'ended while control was away', lastLines);
  const { port } = record;
  const listening = await ports.runtime.listening(id);
  return readyFailure({ id, withinMs, port, listening, trouble: fleet.health(id).trouble, lastLines });
}

/** How long steps may take, by the time that the journal has: a control that comes back counts on. */
import { SegueError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Entry } from '../core/release/journal.ts';
import type { ReleaseRecord } from '../core/release/records.ts';
import type { Act } from '../core/release/state.ts';
import { describeStep } from '../core/release/step.ts';
import { waitAt } from '../core/release/waiting.ts';
import { formatDurationMs } from '../core/units.ts';
import type { Store } from '../ports/store.ts';
import type { ControlPorts } from './ports.ts';

type Apply = Extract<Act, { do: 'apply' }>;
type Place = Pick<Apply, 'index' | 'direction'>;

/** When a step was last begun, by the wall clock; undefined: never, or too long ago to be found. */
export async function beganAt(release: string, place: Place, store: Store): Promise<number | undefined> {
  const entries = await store.entries({ release, last: true, limit: limits.store.entriesPerPageMax });
  return entries.findLast((entry) => begins(entry, place))?.atMs;
}

function begins({ fact }: Entry, { index, direction }: Place): boolean {
  return fact.kind === 'step-started' && fact.index === index && fact.direction === direction;
}

export interface Bound {
  readonly ports: Pick<ControlPorts, 'clock' | 'store'>;
  /** Ends the step. */
  readonly abort: AbortController;
  /** The step is over. */
  readonly over: AbortSignal;
}

/** Ends a step when the requests that wait meanwhile have waited for as long as they may (T7). */
export async function boundWait({ id, plan }: ReleaseRecord, act: Apply, bound: Bound): Promise<void> {
  const wait = act.direction === 'forward' ? waitAt(plan.steps, act.index) : null;
  if (wait === null) return;
  const { clock, store } = bound.ports;
  const sinceMs = (await beganAt(id, { index: wait.since, direction: 'forward' }, store)) ?? clock.nowMs();
  const leftMs = sinceMs + wait.withinMs - clock.nowMs();
  const what = `${formatDurationMs(wait.withinMs)} passed, and this was not done: ${describeStep(act.step)}.`;
  const end = () => bound.abort.abort(new SegueError('HANDOVER_LATE', what));
  if (leftMs <= 0) return end();
  clock.sleep(leftMs, bound.over).then(end, () => undefined);
}

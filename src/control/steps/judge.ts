import { SegueError } from '../../core/errors.ts';
import { stageOf } from '../../core/release/stage.ts';
import type { JudgeStep } from '../../core/release/step.ts';
import { formatDurationMs } from '../../core/units.ts';
import type { StepContext, StepHandler } from './handler.ts';
import { watchUntil } from './watch.ts';

/** Once, however many controls come to this point. */
async function askPeople(
  { patienceMs }: JudgeStep,
  { release, ledger, index, tell }: StepContext,
): Promise<void> {
  const state = ledger.release(release.id)?.state;
  if (state?.phase !== 'forward' || state.unsure === index) return;
  await tell({ event: { type: 'unsure', index }, fact: { kind: 'unsure', index, patienceMs } });
}

/**
 * Done when the stage has the evidence that the candidate is not worse. One that is worse is taken back from outside
 * (engine). Patience counts from when the step first began; what it began with stays the judge's (R8): a hold ends
 * with evidence or by a person, however late.
 */
export const judge: StepHandler<JudgeStep> = async (step, context) => {
  const { ports, release, judge: desk, beganAtMs } = context;
  const { clock } = ports;
  const stage = stageOf(release)?.index ?? -1;
  const passed = () => desk.verdictOf(release.id, stage) === 'better-or-same';
  const onChange = (check: () => void) => desk.onChange(check);
  const spentMs = Math.max(0, clock.nowMs() - beganAtMs);
  const endMs = clock.monotonicMs() + step.patienceMs - spentMs;
  const note = () => `not worse, known after ${formatDurationMs(clock.nowMs() - beganAtMs)}`;
  if (await watchUntil(step, context, { endMs, passed, onChange })) return note();
  const patience = formatDurationMs(step.patienceMs);
  if (step.onUnsure === 'promote') return `not clear after ${patience}, on all the same`;
  if (step.onUnsure === 'back') throw new SegueError('EVIDENCE_MISSING', `Not clear after ${patience}.`);
  await askPeople(step, context);
  await watchUntil(step, context, { endMs: Infinity, passed, onChange });
  return note();
};

import { SegueError } from '../../core/errors.ts';
import { stageOf } from '../../core/release/stage.ts';
import type { JudgeStep } from '../../core/release/step.ts';
import { formatDurationMs } from '../../core/units.ts';
import type { StepContext, StepHandler } from './handler.ts';
import { type Wait, watchUntil } from './watch.ts';

/** What a release of a flag has as well. */
type JudgeContext = Pick<
  StepContext,
  'release' | 'ports' | 'ledger' | 'index' | 'judge' | 'beganAtMs' | 'tell'
>;

/** Once, however many controls come to this point. */
async function askPeople(
  { patienceMs }: JudgeStep,
  { release, ledger, index, tell }: JudgeContext,
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
export const judge: StepHandler<JudgeStep> = (step, context) => {
  const stage = stageOf(context.release)?.index ?? -1;
  return awaitEvidence(step, context, stage, (wait) => watchUntil(step, context, wait));
};

/** `watch`: true when it passed before the end. */
export async function awaitEvidence(
  step: JudgeStep,
  context: JudgeContext,
  stage: number,
  watch: (wait: Wait) => Promise<boolean>,
): Promise<string> {
  const { ports, release, judge: desk, beganAtMs } = context;
  const { clock } = ports;
  const passed = () => desk.verdictOf(release.id, stage) === 'better-or-same';
  const onChange = (check: () => void) => desk.onChange(check);
  const spentMs = Math.max(0, clock.nowMs() - beganAtMs);
  const endMs = clock.monotonicMs() + step.patienceMs - spentMs;
  const note = () => `not worse, known after ${formatDurationMs(clock.nowMs() - beganAtMs)}`;
  if (await watch({ endMs, passed, onChange })) return note();
  const patience = formatDurationMs(step.patienceMs);
  if (step.onUnsure === 'promote') return `not clear after ${patience}, on all the same`;
  if (step.onUnsure === 'back') throw new SegueError('EVIDENCE_MISSING', `Not clear after ${patience}.`);
  await askPeople(step, context);
  await watch({ endMs: Infinity, passed, onChange });
  return note();
}

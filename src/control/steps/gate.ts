import { describeWord } from '../../core/release/gate.ts';
import { passOf } from '../../core/release/state.ts';
import type { InstanceRef } from '../../core/release/step.ts';
import { endsWhen } from './ends-when.ts';
import type { StepContext } from './handler.ts';

/**
 * A gate: done when its own condition holds, or when a person passes it. A word passes no candidate that is not
 * ready, because the next step may be the promotion (R1): until it is, the gate's own rules hold.
 */
export async function gate(
  instances: readonly InstanceRef[],
  context: StepContext,
  wait: (context: StepContext) => Promise<string>,
): Promise<string> {
  const { ledger, fleet, release, index } = context;
  const pass = () => {
    const now = ledger.release(release.id);
    return now && passOf(now.state, index);
  };
  const isPassed = () => pass() !== undefined && instances.every(({ id }) => fleet.isReady(id));
  const note = await endsWhen(isPassed, context, wait);
  const said = pass();
  if (note !== true || !said) return note === true ? '' : note;
  return `${said.how === 'approved' ? 'approved' : 'passed'} by ${describeWord(said)}`;
}

import { describeWord } from '../../core/release/gate.ts';
import { passOf } from '../../core/release/state.ts';
import type { InstanceRef } from '../../core/release/step.ts';
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
  const { ledger, fleet, release, index, signal } = context;
  const passed = new AbortController();
  const pass = () => {
    const now = ledger.release(release.id);
    return now && passOf(now.state, index);
  };
  const look = () => {
    if (pass() && instances.every(({ id }) => fleet.isReady(id))) passed.abort(new Error('passed'));
  };
  const unfollow = [ledger.follow(look), fleet.onChange(look)];
  look();
  try {
    return await wait({ ...context, signal: AbortSignal.any([signal, passed.signal]) });
  } catch (error) {
    const said = pass();
    if (!said || error !== passed.signal.reason) throw error;
    return `${said.how === 'approved' ? 'approved' : 'passed'} by ${describeWord(said)}`;
  } finally {
    for (const end of unfollow) end();
  }
}

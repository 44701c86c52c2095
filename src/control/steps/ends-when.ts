import type { StepContext } from './handler.ts';

/**
 * Runs a wait that ends early when the condition holds, looked at with every entry of the journal and every
 * change of readiness. True: it ended by the condition; else its own note.
 */
export async function endsWhen(
  condition: () => boolean,
  context: StepContext,
  wait: (context: StepContext) => Promise<string>,
): Promise<string | true> {
  const { ledger, fleet, signal } = context;
  const held = new AbortController();
  const look = () => {
    if (condition()) held.abort(new Error('it holds'));
  };
  const unfollow = [ledger.follow(look), fleet.onChange(look)];
  look();
  try {
    return await wait({ ...context, signal: AbortSignal.any([signal, held.signal]) });
  } catch (error) {
    if (held.signal.aborted && error === held.signal.reason) return true;
    throw error;
  } finally {
    for (const end of unfollow) end();
  }
}

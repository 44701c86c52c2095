import { RequestFailure } from './failure.ts';
import type { Expectation } from './options.ts';
import type { Answer } from './tally.ts';

/** What nobody expects is a failure: a 404 in the middle of a change is as lost as a 502. */
export function checkAnswer({ head, body }: Answer, { status = 200, contains }: Expectation): void {
  if (head.status !== status) throw new RequestFailure('status', `${head.status} in place of ${status}`);
  if (contains !== undefined && !body.includes(contains))
    throw new RequestFailure('body', `does not contain "${contains}"`);
}

/** The members of a JSON object; anything else is a wrong body. */
export function jsonOf({ body }: Answer): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value === 'object' && value !== null) return { ...value };
  } catch {
    // Reported below, with what came instead.
  }
  throw new RequestFailure('body', `no JSON object: ${body.toString('utf8', 0, 100)}`);
}

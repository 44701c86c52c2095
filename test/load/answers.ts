import { RequestFailure } from './failure.ts';
import type { Expectation } from './options.ts';
import type { Answer } from './tally.ts';

export function checkAnswer({ head, body }: Answer, expect: Expectation): void {
  if (expect.status !== undefined && head.status !== expect.status)
    throw new RequestFailure('status', `${head.status} in place of ${expect.status}`);
  if (expect.contains !== undefined && !body.includes(expect.contains))
    throw new RequestFailure('body', `does not contain "${expect.contains}"`);
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

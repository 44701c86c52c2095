import { setTimeout } from 'node:timers/promises';

/** Generous: only a broken program waits this long, and a busy machine does not break a test. */
const DEADLINE_MS = 120_000;

type Nothing = null | undefined | false | 0 | '';

/** Asks until there is an answer. */
export async function eventually<T>(
  what: string,
  ask: () => T | Promise<T>,
  patienceMs: number = DEADLINE_MS,
): Promise<Exclude<T, Nothing>> {
  const untilMs = Date.now() + patienceMs;
  while (Date.now() < untilMs) {
    const answer = await ask();
    if (isThere(answer)) return answer;
    await setTimeout(10);
  }
  throw new Error(`It never came true that ${what}.`);
}

function isThere<T>(answer: T): answer is Exclude<T, Nothing> {
  return Boolean(answer);
}

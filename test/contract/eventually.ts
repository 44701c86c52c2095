import { setTimeout } from 'node:timers/promises';

/** Generous: only a broken program waits this long, and a busy machine does not break a test. */
const DEADLINE_MS = 120_000;
/** What takes longer is asked for less often: a look costs time that what is waited for could use. */
const PAUSE_MS_MAX = 50;

type Nothing = null | undefined | false | 0 | '';

/** Asks until there is an answer. */
export async function eventually<T>(
  what: string,
  ask: () => T | Promise<T>,
  patienceMs: number = DEADLINE_MS,
): Promise<Exclude<T, Nothing>> {
  const untilMs = Date.now() + patienceMs;
  let pauseMs = 10;
  while (Date.now() < untilMs) {
    const answer = await ask();
    if (isThere(answer)) return answer;
    await setTimeout(pauseMs);
    pauseMs = Math.min(PAUSE_MS_MAX, pauseMs + 1);
  }
  throw new Error(`It never came true that ${what}.`);
}

function isThere<T>(answer: T): answer is Exclude<T, Nothing> {
  return Boolean(answer);
}

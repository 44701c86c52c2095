import type { ErrorCode } from '../errors.ts';

const BROKEN: ReadonlySet<ErrorCode> = new Set(['SMOKE_FAILED', 'CRASH_LOOP', 'CANDIDATE_BROKEN']);

/**
 * What the candidate is like, as the cause says it, decides how fast it leaves (docs/adr/0004). One that answers
 * wrongly or not at all: at once. One that is only worse: where it shares requests, as fast as stable can bear; a
 * worker at once, because jobs wait in their queue and there is nothing to bear.
 */
export function isUrgent(code: ErrorCode, { isWorker }: { readonly isWorker: boolean }): boolean {
  return BROKEN.has(code) || (isWorker && code === 'CANDIDATE_WORSE');
}

import type { ErrorCode, ErrorRecord } from '../../core/errors.ts';
import type { ReleaseRecord } from '../../core/release/records.ts';
import type { ChangeRef } from '../../core/release/step.ts';

/** What is wrong is the change: it has to be another one, and that can only begin from nothing. */
const WRONG: ReadonlySet<ErrorCode> = new Set([
  'DATABASE_STATEMENT_FAILED',
  'CHANGE_IMPOSSIBLE',
  'CHANGE_EDITED',
  'DATABASE_NO_KEY',
] as const);

/**
 * The changes that a way back takes back, whoever expanded them; filled ones are left when it comes to it. For any other
 * cause they stay expanded: both versions can run on them, and to fill them again would cost the backfill once more.
 */
export function brokenBy({ code }: ErrorRecord, { plan }: ReleaseRecord): ChangeRef[] {
  if (!WRONG.has(code)) return [];
  return plan.steps.flatMap((step) =>
    step.kind === 'backfill' && step.until === 'done' ? step.changes : [],
  );
}

/** What happens to the database of a project, in words. */
import { describeError } from '../../core/errors.ts';
import { describeWord } from '../../core/release/gate.ts';
import type { Fact } from '../../core/release/journal.ts';
import { formatDurationMs } from '../../core/units.ts';
import { number } from './style.ts';

export type SchemaFact = Extract<
  Fact,
  {
    kind:
      | 'schema-waits'
      | 'schema-blocked'
      | 'backfill-progress'
      | 'contract-free'
      | 'contract-held'
      | 'contract-asked'
      | 'contract-begun'
      | 'contract-done'
      | 'contract-failed';
  }
>;

export function describeSchemaFact(fact: SchemaFact): string {
  const { change } = fact;
  switch (fact.kind) {
    case 'schema-waits':
      return `${change} waits, and is tried again: ${describeError(fact.error)}`;
    case 'schema-blocked':
      return `${change} waits for a lock of ${fact.by.join(', ')}`;
    case 'backfill-progress':
      return `${change}: ${describeRows(fact)}`;
    case 'contract-free':
      return `${change}: nothing needs the old schema any more`;
    case 'contract-held':
      return `${change}: the old schema is needed again: ${fact.by.join('; ')}`;
    case 'contract-asked':
      return `contract of ${change} asked by ${describeWord(fact)}`;
    case 'contract-begun':
      return `contract of ${change} begun`;
    case 'contract-done':
      return `${change} contracted${fact.kept ? ', what older versions used is kept for a while' : ''}`;
    case 'contract-failed':
      return `contract of ${change} failed: ${describeError(fact.error)}`;
  }
}

interface Rows {
  readonly rows: number;
  readonly total: number;
  readonly rowsPerSecond: number;
  readonly leftMs: number | null;
}

/** `400,000 of 1,000,000 rows (40%), 12,000 rows/s, 50s left`. */
function describeRows({ rows, total, rowsPerSecond, leftMs }: Rows): string {
  const percent = total > 0 ? ` of ${number(total)} rows (${Math.floor((100 * rows) / total)}%)` : ' rows';
  const rate = rowsPerSecond > 0 ? `, ${number(Math.round(rowsPerSecond))} rows/s` : '';
  const left = leftMs === null ? '' : `, ${formatDurationMs(Math.round(leftMs))} left`;
  return `${number(rows)}${percent}${rate}${left}`;
}

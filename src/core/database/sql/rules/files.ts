/** What is said about a file itself: what cannot be read, and comments that switch rules off. */
import type { Rules } from './rule.ts';

export const FILE_RULES = {
  'syntax-error': {
    severity: 'error',
    lock: null,
    what: 'PostgreSQL cannot parse the statement.',
    safe: 'Correct it; the statements around it were read.',
  },
  'unread-statement': {
    severity: 'warning',
    lock: null,
    what: 'SQL that is put together while it runs (EXECUTE, other languages than PL/pgSQL, \\i) cannot be read beforehand.',
    safe: 'Write the statement out, or say by an ignore comment that you looked.',
  },
  'ignore-without-reason': {
    severity: 'error',
    lock: null,
    what: 'A comment that switches a rule off has to say why; this one has no effect.',
    safe: '-- segue: ignore RULE because ...',
  },
  'ignore-unknown-rule': {
    severity: 'error',
    lock: null,
    what: 'A comment switches off a rule that there is not.',
    safe: 'The name as findings show it.',
  },
  'ignore-unused': {
    severity: 'advice',
    lock: null,
    what: 'A comment switches off a rule that has nothing to say there.',
    safe: 'Remove the comment.',
  },
} as const satisfies Rules;

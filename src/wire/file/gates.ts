/** What a stage waits for, as a step of a canary and an A/B say it. */
import * as z from 'zod';
import type { Gates } from '../../core/project.ts';

export function untilEvidence() {
  return z
    .literal('evidence', 'evidence')
    .optional()
    .describe('The judge has to find first that the new version is not worse.');
}

interface Written {
  readonly for?: number | undefined;
  readonly until?: 'evidence' | undefined;
  readonly approve?: boolean | undefined;
}

export function gatesOf(written: Written): Gates {
  return {
    forMs: written.for ?? 0,
    evidence: written.until === 'evidence',
    approve: written.approve ?? false,
  };
}

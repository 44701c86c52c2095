import assert from 'node:assert/strict';
import { causeOf, type ReleaseRecord } from '../../src/core/release/records.ts';

/** How a release ended, or its phase while it runs. */
export function outcomeOf({ state }: ReleaseRecord): string {
  return state.phase === 'ended' ? state.outcome : state.phase;
}

/** It ended, as expected; if not, its reason is in the message. */
export function assertEnded(release: ReleaseRecord, outcome: 'done' | 'stopped' | 'rolled-back'): void {
  assert.equal(outcomeOf(release), outcome, JSON.stringify(causeOf(release)));
}

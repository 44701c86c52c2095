/** Hunts a candidate that does harm for longer than it has to, and one that leaves an outage behind (R4). */
import assert from 'node:assert/strict';
import test from 'node:test';
import { isUrgent } from './urgency.ts';

test('what is broken leaves at once; what is only worse does where nobody has to bear its share', () => {
  for (const isWorker of [true, false]) {
    for (const code of ['SMOKE_FAILED', 'CRASH_LOOP', 'CANDIDATE_BROKEN'] as const)
      assert.equal(isUrgent(code, { isWorker }), true);
    assert.equal(isUrgent('RELEASE_ABORTED', { isWorker }), false);
    assert.equal(isUrgent('CANDIDATE_WORSE', { isWorker }), isWorker);
  }
});

/** A release of one instance with three steps, for tests of what is made of it. */
import type { Entry, Fact } from '../../src/core/release/journal.ts';
import type { ReleaseRecord } from '../../src/core/release/records.ts';
import type { Outcome } from '../../src/core/release/state.ts';
import type { Step } from '../../src/core/release/step.ts';

const INSTANCES = [{ id: 'web-r2-1', version: 'v2' }];
export const START: Step = { kind: 'start', instances: INSTANCES };
export const READY: Step = { kind: 'ready', instances: INSTANCES };

export function releaseOf(outcome: Outcome): ReleaseRecord {
  return {
    id: 'r2',
    service: 'web',
    kind: 'deploy',
    by: 'somebody',
    from: 'v1',
    to: 'v2',
    plan: {
      release: 'r2',
      service: 'web',
      strategy: 'rolling',
      from: 'v1',
      to: 'v2',
      steps: [START, READY, { kind: 'promote', version: 'v2' }],
      certificate: {
        to: 'v1',
        ways: [
          { fromStep: 1, toStep: 2, how: 'untouched', starts: 0 },
          { fromStep: 3, toStep: 3, how: 'new-release', starts: 0 },
        ],
        problems: ['files of v1 are missing'],
      },
    },
    state: { phase: 'ended', outcome, cause: null },
    baseline: [],
    startedAtMs: 0,
    endedAtMs: 4_200,
    receipt: null,
  };
}

export function entry(seq: number, atMs: number, fact: Fact): Entry {
  return { seq, atMs, fact, fence: 1, release: 'r2', service: 'web' };
}

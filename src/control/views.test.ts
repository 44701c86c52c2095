/** Hunts a status that tells people the wrong step, count or direction. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Step } from '../core/release/step.ts';
import type { ReleaseRecord } from '../core/release/records.ts';
import type { ReleaseState } from '../core/release/state.ts';
import { releaseOf } from '../../test/support/release-records.ts';
import { summaryOf } from './views.ts';

const running = (state: ReleaseState): ReleaseRecord => ({ ...releaseOf('done'), state, endedAtMs: null });
const cause = { code: 'SMOKE_FAILED', detail: 'GET / gave 500.' } as const;
const stop: Step = { kind: 'stop', instances: [{ id: 'web-r2-1', version: 'v2' }] };

test('forward, the step is the one under way, counted from one', () => {
  const summary = summaryOf(running({ phase: 'forward', at: 1, underWay: true }));
  assert.deepEqual(
    [summary.state, summary.step, summary.stepNumber, summary.stepCount, summary.why],
    ['running', 'wait until ready: web-r2-1', 2, 3, null],
  );
});

test('back, the steps are those of the way back, and the reason is said', () => {
  const back = { phase: 'back', cause, tries: 0, steps: [stop], at: 0, underWay: true } as const;
  const summary = summaryOf(running(back));
  assert.deepEqual(
    [summary.state, summary.step, summary.stepNumber, summary.stepCount],
    ['going-back', 'stop web-r2-1', 1, 1],
  );
  assert.match(summary.why ?? '', /smoke test .* GET \/ gave 500/);
  assert.equal(summaryOf(running({ phase: 'turning', cause, tries: 0 })).step, null);
});

test('who waits for whom is said: a pause by its name, a gate for a person until it is approved', () => {
  const paused = { by: 'kim', reason: 'looking', atMs: 0 };
  const held = summaryOf(running({ phase: 'forward', at: 1, underWay: false, paused }));
  assert.deepEqual(held.waiting, { for: 'resume', why: 'kim: looking', next: 'segue resume web' });
  const record = running({ phase: 'forward', at: 1, underWay: true });
  const steps: Step[] = [stop, { kind: 'approve', instances: [] }];
  const asking = { ...record, plan: { ...record.plan, steps } };
  assert.deepEqual(summaryOf(asking).waiting, { for: 'approval', why: null, next: 'segue approve web' });
  const passes = [{ index: 1, how: 'approved', by: 'kim', reason: '' }] as const;
  assert.equal(summaryOf({ ...asking, state: { ...asking.state, passes } as ReleaseState }).waiting, null);
  assert.equal(summaryOf(record).waiting, null);
});

test('a stage that stays unclear asks a person, once its patience is over', () => {
  const steps: Step[] = [stop, { kind: 'judge', patienceMs: 60_000, onUnsure: 'hold', instances: [] }];
  const forward = { phase: 'forward', at: 1, underWay: true } as const;
  const record = running(forward);
  const judged = (state: ReleaseState) => summaryOf({ ...record, state, plan: { ...record.plan, steps } });
  assert.equal(judged(forward).waiting, null);
  assert.deepEqual(judged({ ...forward, unsure: 1 }).waiting, {
    for: 'evidence',
    why: 'not clear after 1m',
    next: 'segue promote web',
  });
  const passes = [{ index: 1, how: 'waived', by: 'kim', reason: '' }] as const;
  assert.equal(judged({ ...forward, unsure: 1, passes }).waiting, null);
});

test('ended, there is no step, and the outcome is the state', () => {
  for (const outcome of ['done', 'stopped', 'rolled-back', 'stuck'] as const) {
    const summary = summaryOf({ ...releaseOf(outcome), state: { phase: 'ended', outcome, cause: null } });
    assert.deepEqual([summary.state, summary.step, summary.stepNumber], [outcome, null, 3]);
  }
});

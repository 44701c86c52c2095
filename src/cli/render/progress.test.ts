/** Hunts a release whose judge nobody sees while they watch, or a question to people that stays on the screen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entry, releaseOf } from '../../../test/support/release-records.ts';
import { advance, beginProgress, hasReached, type Progress } from '../progress.ts';
import { renderProgress } from './progress.ts';
import { plainPaint } from './style.ts';

test('says how the judge sees it, and whom it asks when that stays unclear', () => {
  const judge = { kind: 'judge', patienceMs: 60_000, onUnsure: 'hold', instances: [] } as const;
  const record = releaseOf('done');
  const begun = advance(
    beginProgress({ ...record, plan: { ...record.plan, steps: [judge] } }),
    entry(1, 0, { kind: 'step-started', index: 0, direction: 'forward', step: judge }),
  );
  const lines = (progress: Progress) =>
    renderProgress({ ...progress, standing: 'holds: why' }, 0, { columns: 120, rows: 24 }, plainPaint).join(
      '\n',
    );
  assert.match(lines(begun), /\n {2}judge: holds: why$/);
  const unsure = advance(begun, entry(2, 60_000, { kind: 'unsure', index: 0, patienceMs: 60_000 }));
  assert.match(lines(unsure), /waits for evidence or a person: segue promote web, or segue abort web\n/);
  const done = { kind: 'step-done', index: 0, direction: 'forward', note: '' } as const;
  assert.doesNotMatch(lines(advance(unsure, entry(3, 9, done))), /waits for/);
  const cause = { code: 'CANDIDATE_WORSE', detail: '' } as const;
  const back = advance(begun, entry(4, 9, { kind: 'back-planned', cause, steps: [] }));
  assert.doesNotMatch(lines(back), /judge:/);
});

test('how it stands at a step is not said before that step is', () => {
  const record = releaseOf('done');
  const [step, next] = record.plan.steps;
  assert.ok(step && next);
  const at = (...entries: Parameters<typeof advance>[1][]) => entries.reduce(advance, beginProgress(record));
  const began = entry(1, 0, { kind: 'step-started', index: 0, direction: 'forward', step });
  const done = entry(2, 1, { kind: 'step-done', index: 0, direction: 'forward', note: '' });
  assert.deepEqual([hasReached(at(), 1), hasReached(at(), 2)], [true, false]);
  assert.deepEqual([hasReached(at(began), 2), hasReached(at(began, done), 2)], [false, true]);
  assert.equal(hasReached(at(began, done), 3), false);
});

/** Hunts a change that waits for somebody without saying for what, and a way back that is promised and not there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChangeState, Progress } from '../../core/database/runner.ts';
import { renderDatabasePlan, renderDatabaseStatus } from './database.ts';
import { plainPaint } from './style.ts';

const STATE: ChangeState = {
  ...{ name: '0001-a', phase: 'ready', edited: false, missing: false, keptUntilMs: null, backfill: null },
  ...{ pendingRows: 0, comesBack: false },
};

function line(state: Partial<ChangeState>): string {
  const changes = [{ ...STATE, ...state }];
  const status = { server: '17', adopted: true, changes, drift: [], holder: null };
  return renderDatabaseStatus(status, 0, plainPaint).at(-1) ?? '';
}

test('what was stopped in the middle says how it ends', () => {
  assert.match(line({ phase: 'restoring' }), /restoring +its contract .*: segue database revert --contract$/);
  assert.match(line({ phase: 'reverting' }), /reverting +half taken back: segue database revert$/);
  assert.match(line({ phase: 'expanding' }), /expanding +half made: segue database expand, or revert$/);
  assert.match(
    line({ phase: 'contracting' }),
    /contracting +its contract is half made: segue database contract$/,
  );
  assert.match(line({ phase: 'ready' }), /ready *$/);
});

test('a backfill that nobody is at is no running one, and who is at work is named without what tells runs apart', () => {
  const backfill: Progress = {
    ...{ change: '0001-a', job: '1', table: 'people', rows: 50, total: 200, rowsPerSecond: 5 },
    ...{ leftMs: 30_000, pauseMs: 0 },
    state: 'running',
  };
  const changes = [{ ...STATE, phase: 'expanded', backfill } as const];
  const status = { server: '17', adopted: true, changes, drift: [], holder: null };
  const shown = (holder: string | null) =>
    renderDatabaseStatus({ ...status, holder }, 0, plainPaint).join('\n');
  assert.match(shown(null), /25% people 50 rows, stopped: segue database backfill goes on with it$/);
  assert.match(
    shown('host pid 7 began 314638'),
    /25% people 50 rows, 5\/s, running, 30s left\nat work: host pid 7$/,
  );
});

test('a plan says what it is of, and that the way back ends only where it does', () => {
  const step = (phase: 'expand' | 'contract' | 'revert') => ({
    phase,
    id: phase,
    title: phase,
    statements: [],
  });
  const shown = (steps: ReturnType<typeof step>[], edited = false) =>
    renderDatabasePlan({ name: '0001-a', edited, steps }, plainPaint).join('\n');
  assert.match(shown([step('expand'), step('revert')]), /^0001-a\nexpand: .*\n +expand\nthe way back\n/);
  assert.match(
    shown([step('contract'), step('revert')], true),
    /^0001-a\nedited after it ran.*\ncontract: [\s\S]*the way back, until then\n/,
  );
  assert.equal(shown([]), '0001-a\nnothing is done: it says nothing');
});

test('what is kept says for how long, and that it comes back only where it does', () => {
  const kept = { phase: 'contracted', keptUntilMs: 3_600_000 } as const;
  assert.match(line(kept), /kept in step for 1h more$/);
  assert.match(line({ ...kept, comesBack: true }), /for 1h more: .* segue database revert --contract$/);
  assert.match(line({ ...kept, keptUntilMs: -1 }), /can be dropped: segue database contract$/);
  assert.match(line({ pendingRows: 1_200 }), /1,200 rows are held by others/);
});

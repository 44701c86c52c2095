/** Hunts a change that waits for somebody without saying for what, and a way back that is promised and not there. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChangeState } from '../../core/database/runner.ts';
import { renderDatabaseStatus } from './database.ts';
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
  assert.match(line({ phase: 'ready' }), /ready *$/);
});

test('what is kept says for how long, and that it comes back only where it does', () => {
  const kept = { phase: 'contracted', keptUntilMs: 3_600_000 } as const;
  assert.match(line(kept), /kept in step for 1h more$/);
  assert.match(line({ ...kept, comesBack: true }), /for 1h more: .* segue database revert --contract$/);
  assert.match(line({ ...kept, keptUntilMs: -1 }), /can be dropped: segue database contract$/);
  assert.match(line({ pendingRows: 1_200 }), /1,200 rows are held by others/);
});

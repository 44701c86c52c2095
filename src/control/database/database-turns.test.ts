/** Hunts an act that waits behind a backfill, at work or waiting itself, and two at once. */
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { DatabaseTurns } from './database-turns.ts';

test('acts come in the order of asking, before any backfill', async () => {
  const turns = new DatabaseTurns();
  const { signal } = new AbortController();
  const log: string[] = [];
  const backfill = (name: string) =>
    turns.take({ yields: true, signal }, async (standBack) => {
      log.push(`${name} begins`);
      for (let i = 0; i < 100 && !standBack.aborted; i += 1) await turn();
      log.push(standBack.aborted ? `${name} stands back` : `${name} ends`);
    });
  const act = (name: string) =>
    turns.take({ yields: false, signal }, async (standBack) => {
      log.push(`${name} begins`);
      await turn();
      log.push(`${name} ends`);
      assert.ok(!standBack.aborted);
    });
  const all = [backfill('one'), backfill('two'), act('a'), act('b')];
  await Promise.all(all);
  assert.deepEqual(log, [
    ...['one begins', 'one stands back', 'a begins', 'a ends', 'b begins', 'b ends'],
    ...['two begins', 'two ends'],
  ]);
});

test('one that fails, or was aborted before it asked, keeps nobody waiting', async () => {
  const turns = new DatabaseTurns();
  const { signal } = new AbortController();
  const failing = turns.take({ yields: false, signal }, () => Promise.reject(new Error('broken')));
  const late = turns.take({ yields: false, signal: AbortSignal.abort(new Error('gone')) }, () => turn('no'));
  const next = turns.take({ yields: true, signal }, () => turn('done'));
  await assert.rejects(failing, /broken/);
  await assert.rejects(late, /gone/);
  assert.equal(await next, 'done');
});

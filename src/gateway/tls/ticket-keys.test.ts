/** Hunts tickets that nobody can open: workers with keys of their own, a day that begins before all know its key. */
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { limits } from '../../core/limits.ts';
import { TicketKeys } from './ticket-keys.ts';

const DAY_MS = limits.gateway.tls.ticketKeyForMs;
const NOON_MS = 20_000.5 * DAY_MS;

async function folder(t: TestContext): Promise<string> {
  const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'ticket-keys-'));
  t.after(() => fs.rm(dir, { recursive: true }));
  return dir;
}

test('of many workers that begin at once all have the same key', async (t) => {
  const dir = path.join(await folder(t), 'run');
  const workers = Array.from({ length: 8 }, () => new TicketKeys(dir, () => NOON_MS));
  await Promise.all(workers.map((keys) => keys.refresh()));
  assert.deepEqual(new Set(workers.map(({ current }) => current?.toString('hex'))).size, 1);
  assert.deepEqual(await fs.readdir(dir), ['tickets-20000.key']);
});

test('the next key is known before it is used, the last one after; then it is gone', async (t) => {
  const dir = await folder(t);
  let nowMs = NOON_MS;
  const keys = new TicketKeys(dir, () => nowMs);
  assert.equal(await keys.refresh(), true);
  assert.equal(await keys.refresh(), false);
  const first = keys.current;
  assert.deepEqual(keys.others, []);
  nowMs = 20_001 * DAY_MS - 1_000;
  assert.equal(await keys.refresh(), true);
  assert.deepEqual([keys.current, keys.others.length], [first, 1]);
  const [next] = keys.others;
  nowMs = 20_001 * DAY_MS;
  assert.equal(await keys.refresh(), true);
  assert.deepEqual([keys.current, keys.others], [next, [first]]);
  nowMs = 20_002 * DAY_MS;
  await keys.refresh();
  assert.deepEqual(keys.others, [next]);
  assert.deepEqual((await fs.readdir(dir)).toSorted(), ['tickets-20001.key', 'tickets-20002.key']);
});

test('a clock that jumps back finds the key of that day again, and a torn file is made anew', async (t) => {
  const dir = await folder(t);
  let nowMs = NOON_MS;
  const keys = new TicketKeys(dir, () => nowMs);
  await keys.refresh();
  const first = keys.current;
  nowMs += DAY_MS;
  await keys.refresh();
  nowMs -= DAY_MS;
  await keys.refresh();
  assert.deepEqual(keys.current, first);
  await fs.writeFile(path.join(dir, 'tickets-20000.key'), 'torn');
  await keys.refresh();
  assert.equal(keys.current?.length, first?.length);
  assert.notDeepEqual(keys.current, first);
});

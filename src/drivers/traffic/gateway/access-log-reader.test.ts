/** Hunts a line of the access log that its reader leaves out or gives twice when the file is put away. */
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { ACCESS_LOG } from '../../../wire/paths.ts';
import { systemClock } from '../../clock/system.ts';
import { readAccessLog } from './access-log-reader.ts';

async function folder(t: TestContext): Promise<{ root: string; file: string }> {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'segue-access-'));
  t.after(() => fs.rm(root, { recursive: true, force: true }));
  const file = path.join(root, ACCESS_LOG);
  await fs.mkdir(path.dirname(file), { recursive: true });
  return { root, file };
}

const all = () => true;
const putAway = (file: string, time: string) =>
  fs.rename(file, path.join(path.dirname(file), `access-${time}-1.log`));

async function take(lines: AsyncIterator<string>, count: number): Promise<string[]> {
  const taken: string[] = [];
  while (taken.length < count) {
    const next = await lines.next();
    if (next.done) break;
    taken.push(next.value);
  }
  return taken;
}

test('the last wanted lines, from the file before this one when there are too few; half a line is none', async (t) => {
  const { root, file } = await folder(t);
  const read = (lines: number, wanted: (line: string) => boolean = all) =>
    take(readAccessLog(root, { lines, follow: false, wanted, signal: t.signal }, systemClock), 100);
  assert.deepEqual(await read(5), []);
  await fs.writeFile(file, 'oldest\n');
  await putAway(file, '20260101T000000000Z');
  await fs.writeFile(file, 'a1\nb2\na3\n');
  await putAway(file, '20260102T000000000Z');
  await fs.writeFile(file, 'b4\na5\nhalf');
  assert.deepEqual(await read(1), ['a5']);
  assert.deepEqual(await read(4), ['b2', 'a3', 'b4', 'a5']);
  assert.deepEqual(await read(0), []);
  assert.deepEqual(await read(2, (line) => line.startsWith('a')), ['a3', 'a5']);
});

test('a follower gets every line once, in order, over files that are put away', async (t) => {
  const { root, file } = await folder(t);
  await fs.writeFile(file, '1\n2\n');
  const ending = new AbortController();
  const request = { lines: 1, follow: true, wanted: all, signal: ending.signal };
  const lines = readAccessLog(root, request, systemClock);
  assert.deepEqual(await take(lines, 1), ['2']);
  await fs.appendFile(file, '3\nfo');
  assert.deepEqual(await take(lines, 1), ['3']);
  await fs.appendFile(file, 'ur\n5\n');
  await putAway(file, '20260101T000000000Z');
  await fs.writeFile(file, '6\n');
  assert.deepEqual(await take(lines, 2), ['four', '5']);
  // A worker that has not looked yet.
  await fs.appendFile(path.join(path.dirname(file), 'access-20260101T000000000Z-1.log'), 'late\n');
  assert.deepEqual(await take(lines, 2), ['late', '6']);
  ending.abort();
  assert.deepEqual(await take(lines, 1), []);
});

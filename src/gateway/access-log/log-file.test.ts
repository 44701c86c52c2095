/** Hunts lines that are lost or torn when several workers write one log and each may put it away. */
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { limits } from '../../core/limits.ts';
import { ACCESS_LOG } from '../../wire/paths.ts';
import { AccessLogFile } from './log-file.ts';

test('several writers, several files: every line is there once and whole, and old files go', async (t) => {
  const root = await fs.mkdtemp(path.join(os.tmpdir(), 'segue-access-'));
  t.after(() => fs.rm(root, { recursive: true, force: true }));
  let nowMs = 0;
  const clock = { monotonicMs: () => nowMs, nowMs: () => nowMs };
  const fileBytesMax = 2_000;
  const writers = ['1', '2', '3'].map((worker) => new AccessLogFile(root, worker, { clock, fileBytesMax }));
  const folder = path.join(root, path.dirname(ACCESS_LOG));
  const seen = new Map<string, number>();
  const namesBefore = new Set<string>();
  const wrote: string[] = [];
  for (let round = 0; round < 40; round += 1) {
    nowMs += limits.accessLog.checkIntervalMs;
    await Promise.all(
      writers.map(async (writer, at) => {
        const line = `${round} ${at} ${'x'.repeat(100)}`;
        wrote.push(line);
        assert.ok(await writer.append(`${line}\n`));
      }),
    );
    // What is pruned later is looked at now.
    for (const name of await fs.readdir(folder)) {
      if (name === path.basename(ACCESS_LOG) || namesBefore.has(name)) continue;
      namesBefore.add(name);
      await count(path.join(folder, name), seen);
    }
  }
  await Promise.all(writers.map((writer) => writer.close()));
  await count(path.join(root, ACCESS_LOG), seen);
  for (const name of await fs.readdir(folder)) if (!namesBefore.has(name)) namesBefore.add(name);
  assert.ok(namesBefore.size > limits.accessLog.olderFilesMax, 'too few files for anything to be seen');
  assert.ok((await fs.readdir(folder)).length <= limits.accessLog.olderFilesMax + 1);
  for (const [line, times] of seen) assert.equal(times, 1, line);
  assert.deepEqual([...seen.keys()].toSorted(), wrote.toSorted());
});

async function count(file: string, seen: Map<string, number>): Promise<void> {
  const text = await fs.readFile(file, 'utf8');
  for (const line of text.split('\n')) if (line !== '') seen.set(line, (seen.get(line) ?? 0) + 1);
}

/** Bugs hunted: lines lost or doubled by a rotation, for who reads the end, who follows, and who writes. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { limits } from '../../../core/limits.ts';
import { systemClock } from '../../clock/system.ts';
import { LogFile } from './log-file.ts';
import { readLines } from './log-reader.ts';

describe('LogFile', () => {
  let dir: string;
  let path: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'segue-log-'));
    path = join(dir, 'a.log');
    appendFileSync(path, '');
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  const numbered = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => `line ${from + i}`);
  const write = (from: number, to: number) => appendFileSync(path, `${numbered(from, to).join('\n')}\n`);
  const tail = async (file: LogFile, lines: number) => {
    const read: string[] = [];
    const { signal } = new AbortController();
    for await (const line of readLines(file, { lines, follow: false, signal }, systemClock)) read.push(line);
    return read;
  };
  /** Follows from the start; `seen` grows, `stop` ends it. */
  const follow = (file: LogFile) => {
    const over = new AbortController();
    const seen: string[] = [];
    const request = { lines: 1_000, follow: true, signal: over.signal };
    const done = (async () => {
      for await (const line of readLines(file, request, systemClock)) seen.push(line);
    })();
    const until = async (count: number) => {
      for (let tries = 0; seen.length < count && tries < 400; tries += 1) await systemClock.sleep(25);
    };
    const stop = async () => {
      over.abort();
      await done;
    };
    return { seen, until, stop, done };
  };

  it('keeps its size when more comes while it is copied', async () => {
    const file = new LogFile(path);
    write(1, 20_000);
    const rotated = file.rotate(100_000);
    write(20_001, 40_000);
    await rotated;
    assert.ok(statSync(`${path}.1`).size <= 100_000);
    write(40_001, 40_003);
    const all = await tail(file, 40_000);
    assert.ok(all.length > 5_000);
    assert.deepEqual(all, numbered(40_004 - all.length, 40_003), 'whole lines without a hole');
  });

  it('reads over a rotation as if there had been none', async () => {
    const file = new LogFile(path);
    write(1, 100);
    await file.rotate(10_000);
    assert.ok(!existsSync(`${path}.1`), 'small enough');
    await file.rotate(500);
    write(101, 103);
    assert.deepEqual(await tail(file, 5), numbered(99, 103));
    assert.deepEqual(await tail(new LogFile(path), 5), numbered(99, 103), 'also for a new control');
    assert.deepEqual(await tail(file, 0), []);
    const all = await tail(file, 1_000);
    assert.deepEqual(all, numbered(104 - all.length, 103), 'whole lines from the first on');
  });

  it('loses nothing to who follows, however the rotations fall', async () => {
    const file = new LogFile(path);
    const follower = follow(file);
    for (let at = 0; at < 10; at += 1) {
      write(at * 10 + 1, at * 10 + 10);
      await follower.until(at * 10 + 5);
      await file.rotate(100);
    }
    await follower.until(100);
    await follower.stop();
    assert.deepEqual(follower.seen, numbered(1, 100));
  });

  it('lets who follows catch up in the older file', async () => {
    const file = new LogFile(path);
    write(1, 10);
    const follower = follow(file);
    await follower.until(10);
    write(11, 40);
    const rotated = file.rotate(60 * 8);
    write(41, 45);
    await rotated;
    write(46, 50);
    await follower.until(50);
    await follower.stop();
    assert.equal(follower.seen.at(-1), 'line 50');
    assert.equal(new Set(follower.seen).size, follower.seen.length, 'nothing twice');
  });

  it('goes on when someone else empties the file, and ends when it is put away', async () => {
    const file = new LogFile(path);
    write(1, 10);
    const follower = follow(file);
    await follower.until(10);
    truncateSync(path);
    await systemClock.sleep(3 * limits.log.followIntervalMs);
    write(11, 12);
    await follower.until(12);
    assert.deepEqual(follower.seen, numbered(1, 12));
    rmSync(path);
    await follower.done;
  });

  it('reads only the end of a large file, and whole lines of it', async () => {
    const file = new LogFile(path);
    write(1, 20_000);
    const lines = await tail(file, 100_000);
    assert.deepEqual(lines, numbered(20_001 - lines.length, 20_000));
    assert.ok(lines.length < 10_000);
    appendFileSync(path, 'x'.repeat(2 * limits.log.tailBytesMax));
    assert.match((await tail(file, 1)).join(''), /^x+$/, 'a line that is longer than what is read');
  });

  it('keeps the program writing when the older file cannot be made', async () => {
    const file = new LogFile(path);
    mkdirSync(`${path}.1.part`);
    write(1, 100);
    await assert.rejects(file.rotate(10));
    rmSync(`${path}.1.part`, { recursive: true });
    assert.deepEqual(await tail(file, 2), numbered(99, 100));
    await file.rotate(100);
    assert.deepEqual(await tail(file, 2), numbered(99, 100));
  });
});

/** Hunts walks without a bound, and changes between two looks that go unnoticed. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { writeTree } from '../../../../test/contract/tree.ts';
import { withCode } from '../../../../test/contract/with-code.ts';
import { firstDifference, type Source, type SourceEntry, walk } from './source.ts';

suite('walk', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'segue-walk-'));
    await writeTree(dir, { 'a/b': '12345', 'a/c': '67', d: { folder: true }, e: { link: '..' } });
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const walkWithin = (filesMax: number, bytesMax: number) =>
    walk(dir, { ignore: () => false, bounds: { filesMax, bytesMax } });

  test('lists everything below, sorted, and nothing behind a link', async () => {
    const { entries } = await walkWithin(5, 7);
    assert.deepEqual(
      entries.map((entry) => `${entry.type} ${entry.path}`),
      ['folder a', 'file a/b', 'file a/c', 'folder d', 'link e'],
    );
  });

  test('counts folders and links too, and stops at the bound', async () => {
    await assert.rejects(walkWithin(4, 7), withCode('VERSION_TOO_LARGE', 'more than 4 files'));
    await assert.rejects(walkWithin(5, 6), withCode('VERSION_TOO_LARGE', 'more than 6 B'));
  });

  test('what is left out does not count', async () => {
    const ignore = (path: string) => path === 'a';
    const { entries } = await walk(dir, { ignore, bounds: { filesMax: 2, bytesMax: 0 } });
    assert.equal(entries.length, 2);
  });
});

suite('firstDifference', () => {
  const file = (path: string, size = 1): SourceEntry => ({
    type: 'file',
    path,
    executable: false,
    size,
    mtimeMs: 0,
  });
  const of = (...entries: SourceEntry[]): Source => ({ from: '/x', entries });
  const before = of(file('a'), file('b'), file('c'));

  test('is undefined for two equal looks', () => {
    assert.equal(firstDifference(before, of(file('a'), file('b'), file('c'))), undefined);
  });
  test('names what changed, came or went', () => {
    assert.equal(firstDifference(before, of(file('a'), file('b', 2), file('c'))), 'b');
    assert.equal(firstDifference(before, of(file('a'), file('aa'), file('b'), file('c'))), 'aa');
    assert.equal(firstDifference(before, of(file('a'), file('c'))), 'b');
    assert.equal(firstDifference(before, of(file('a'), file('b'))), 'c');
    assert.equal(firstDifference(before, of(...before.entries, file('d'))), 'd');
    assert.equal(firstDifference(of(), of(file('a'))), 'a');
  });
});

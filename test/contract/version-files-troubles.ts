/**
 * What every keeper of version files does with a bad source, a bad name and two orders at once. Hunts half
 * versions, copies of a folder that was changing, paths out of the folder, and keeps that meet.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, suite, test } from 'node:test';
import type { VersionFiles } from '../../src/ports/version-files.ts';
import { readTree, writeTree } from './tree.ts';
import { FilesBench } from './version-files-bench.ts';
import { withCode } from './with-code.ts';

export function versionFilesTroubles(driver: string, open: (root: string) => VersionFiles): void {
  suite(`version files in trouble: ${driver}`, () => {
    const bench = new FilesBench();
    beforeEach(() => bench.setUp(open));
    afterEach(() => bench.tearDown());

    suite('a source that cannot be taken', () => {
      const never = () => assert.rejects(readTree(bench.files.dir('web', 'v1')), { code: 'ENOENT' });

      test('not there, or not a folder: SOURCE_MISSING, and it is named', async () => {
        await writeTree(bench.from, { file: 'x' });
        for (const missing of ['nothing', 'file', 'file/below']) {
          const at = join(bench.from, missing);
          await assert.rejects(bench.keep('v1', { from: at }), withCode('SOURCE_MISSING', at));
          await assert.rejects(bench.files.digest(at, []), withCode('SOURCE_MISSING', at));
        }
        await never();
      });

      test('a file whose name is not UTF-8: SOURCE_MISSING, and it is said', async () => {
        await writeFile(Buffer.concat([Buffer.from(`${bench.from}/`), Buffer.from([0xff, 0x61])]), 'x');
        await assert.rejects(bench.keep('v1'), withCode('SOURCE_MISSING', 'not UTF-8'));
        await never();
      });

      test('larger than a version may be: VERSION_TOO_LARGE, before anything is copied', async () => {
        await writeTree(bench.from, { a: 'x' });
        spawnSync('truncate', ['-s', '30G', join(bench.from, 'huge')]);
        await assert.rejects(bench.keep('v1'), withCode('VERSION_TOO_LARGE', '20 GB'));
        await never();
      });

      test('changing all the time: SOURCE_CHANGED, and nothing is kept', async () => {
        const many = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`f${i}`, `${i}`]));
        const changes: Record<string, (n: number) => Promise<void>> = {
          f7: (n) => writeFile(join(bench.from, 'f7'), 'x'.repeat(n)),
          new: (n) => writeFile(join(bench.from, `new-${n}`), ''),
          f9: (n) => chmod(join(bench.from, 'f9'), n % 2 ? 0o644 : 0o755),
        };
        for (const [path, change] of Object.entries(changes)) {
          await writeTree(bench.from, many);
          let stopped = false;
          const changing = (async () => {
            for (let n = 1; !stopped; n += 1) await change(n);
          })();
          try {
            await assert.rejects(keepUntilRefused(), withCode('SOURCE_CHANGED', path));
          } finally {
            stopped = true;
            await changing;
          }
          await never();
          await rm(bench.from, { recursive: true });
        }
      });

      /** A change back and forth may fall so that both looks agree: then it is kept, rightly. */
      const keepUntilRefused = async () => {
        for (let tries = 0; tries < 100; tries += 1) {
          await bench.keep('v1');
          await bench.files.remove('web', 'v1');
        }
      };

      test('given up half way: the reason of the signal, and nothing is kept', async () => {
        await writeTree(
          bench.from,
          Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`f${i}`, 'x'])),
        );
        const reason = new Error('no longer wanted');
        await assert.rejects(bench.keep('v1', {}, AbortSignal.abort(reason)), reason);
        const controller = new AbortController();
        const keeping = bench.keep('v1', {}, controller.signal);
        setImmediate(() => controller.abort(reason));
        await assert.rejects(keeping, reason);
        await never();
        await bench.keep('v1');
      });
    });

    test('names that lead out of the folder are refused', async () => {
      const bad = ['', '.', '..', '../x', 'a/b', '/etc', '.hidden', '-x', 'a b', 'a\0', 'ä', 'x'.repeat(64)];
      for (const name of bad) {
        assert.throws(() => bench.files.dir('web', name), withCode('USAGE'));
        assert.throws(() => bench.files.dir(name, 'v1'), withCode('USAGE'));
        await assert.rejects(bench.keep(name), withCode('USAGE'));
        await assert.rejects(bench.keep('v1', { service: name }), withCode('USAGE'));
        await assert.rejects(bench.keep('v1', { earlier: [name] }), withCode('USAGE'));
        await assert.rejects(bench.files.verify('web', name), withCode('USAGE'));
        await assert.rejects(bench.files.remove(name, 'v1'), withCode('USAGE'));
      }
      await bench.keep('x'.repeat(63));
      await bench.keep('1.2.3-rc.1+build_7');
    });

    suite('at the same time', () => {
      const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`d${i % 7}/f${i}`, `${i}`]));

      test('several versions', async () => {
        await writeTree(bench.from, many);
        const versions = ['v1', 'v2', 'v3', 'v4'];
        const all = await Promise.all(versions.map((v) => bench.keep(v)));
        assert.equal(new Set(all.map((k) => k.digest)).size, 1);
        for (const version of versions) {
          assert.equal(await bench.files.verify('web', version), true);
          assert.deepEqual(await bench.kept(version), many);
        }
      });

      test('the same version: kept once, and the same answer for both', async () => {
        await writeTree(bench.from, many);
        const [first, second] = await Promise.all([bench.keep('v1'), bench.keep('v1')]);
        assert.deepEqual(first, second);
        assert.equal(await bench.files.verify('web', 'v1'), true);
      });

      test('the same version with other files: one is kept whole, the other refused', async () => {
        const other = join(bench.dir, 'other');
        await writeTree(bench.from, many);
        await writeTree(other, { ...many, more: 'x' });
        const results = await Promise.allSettled([bench.keep('v1'), bench.keep('v1', { from: other })]);
        const refused = results.filter((r) => r.status === 'rejected');
        assert.equal(refused.length, 1);
        withCode('VERSION_EXISTS')(refused[0]?.reason);
        assert.equal(await bench.files.verify('web', 'v1'), true);
      });

      test('keeping and removing it', async () => {
        await writeTree(bench.from, many);
        await bench.keep('v1');
        await Promise.all([
          bench.keep('v2', { earlier: ['v1'] }),
          bench.files.remove('web', 'v1'),
          bench.keep('v1'),
        ]);
        assert.equal(await bench.files.verify('web', 'v1'), true);
        assert.equal(await bench.files.verify('web', 'v2'), true);
        assert.deepEqual(await bench.kept('v2'), many);
      });
    });
  });
}

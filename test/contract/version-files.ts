/**
 * What every keeper of version files does. Hunts versions that change after they were kept, digests that
 * differ between machines or agree for different files, copies that follow links out of the folder, half
 * versions, and keeps that get into each other's way.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, suite, test } from 'node:test';
import fc from 'fast-check';
import type { VersionFiles } from '../../src/ports/version-files.ts';
import { type Node, type Tree, writeTree } from './tree.ts';
import { FilesBench } from './version-files-bench.ts';
import { withCode } from './with-code.ts';

export function versionFilesContract(driver: string, open: (root: string) => VersionFiles): void {
  suite(`version files contract: ${driver}`, () => {
    const bench = new FilesBench();
    beforeEach(() => bench.setUp(open));
    afterEach(() => bench.tearDown());

    test('keeps files, programs, links and empty folders as they are', async () => {
      const tree: Tree = {
        'server.js': 'listen()',
        'bin/start': { program: '#!/bin/sh' },
        'empty file': '',
        'empty/folder': { folder: true },
        'a b/ü 漢字 \u{1F600}': 'names',
        'line\nbreak': 'too',
        '"quote\'s"': 'and these',
        '-rf': 'and this',
        current: { link: 'server.js' },
        loop: { link: '.' },
        'loop 2': { link: '../build/loop 2' },
        dangling: { link: '/nowhere at all' },
      };
      await writeTree(bench.from, tree);
      const { files: count, bytes, shared } = await bench.keep('v1');
      assert.deepEqual(await bench.kept('v1'), tree);
      assert.equal(count, 7);
      assert.equal(
        bytes,
        Object.values(tree).reduce((sum, n) => sum + sizeOf(n), 0),
      );
      assert.equal(shared, 0);
      assert.equal(await bench.files.verify('web', 'v1'), true);
    });

    test('keeps an empty folder as an empty version', async () => {
      const { digest, files: count, bytes } = await bench.keep('v1');
      assert.deepEqual(await bench.kept('v1'), {});
      assert.deepEqual({ count, bytes }, { count: 0, bytes: 0 });
      assert.equal((await bench.files.digest(bench.from, [])).digest, digest);
      assert.equal(await bench.files.verify('web', 'v1'), true);
    });

    test('a change of the source afterwards, in place or by a new file, does not reach the kept one', async () => {
      await writeTree(bench.from, { a: 'old', b: 'old', 'c/d': 'old' });
      await bench.keep('v1');
      await bench.keep('v2', { earlier: ['v1'] });
      await appendFile(join(bench.from, 'a'), ' and new');
      await rm(join(bench.from, 'b'));
      await writeTree(bench.from, { b: 'new', e: 'new' });
      for (const version of ['v1', 'v2']) {
        assert.deepEqual(await bench.kept(version), { a: 'old', b: 'old', 'c/d': 'old' });
        assert.equal(await bench.files.verify('web', version), true);
      }
    });

    test('leaves out .git and .segue at any depth, and what is to be ignored', async () => {
      await writeTree(bench.from, {
        '.git/HEAD': 'x',
        'lib/.git': 'x',
        '.segue/journal.db': 'x',
        'debug.log': 'x',
        'deep/down/debug.log': 'x',
        'cache/x': 'x',
        'lib/cache': 'a file, not a folder',
        'build/app.js.map': 'x',
        'lib/build/app.js.map': 'not at the top',
        'build/app.js': 'kept',
        '.gitignore': 'kept',
      });
      const ignore = ['*.log', 'cache/', 'build/*.map'];
      const { digest } = await bench.keep('v1', { ignore });
      assert.deepEqual(await bench.kept('v1'), {
        'lib/cache': 'a file, not a folder',
        'lib/build/app.js.map': 'not at the top',
        'build/app.js': 'kept',
        '.gitignore': 'kept',
        'deep/down': { folder: true },
      });
      assert.equal((await bench.files.digest(bench.from, ignore)).digest, digest);
      assert.notEqual((await bench.files.digest(bench.from, [])).digest, digest);
    });

    test('leaves out pipes and sockets, and does not hang on them', async () => {
      await writeTree(bench.from, { a: 'x' });
      assert.equal(spawnSync('mkfifo', [join(bench.from, 'pipe')]).status, 0);
      const server = createServer().listen(join(bench.from, 'socket'));
      await once(server, 'listening');
      try {
        await bench.keep('v1');
        assert.deepEqual(await bench.kept('v1'), { a: 'x' });
      } finally {
        server.close();
      }
    });

    suite('digest', () => {
      const tree: Tree = { a: '1', 'b/c': { program: '2' }, d: { link: 'a' }, e: { folder: true } };
      const digestOf = async (of: Tree) => {
        const folder = await mkdtemp(join(bench.dir, 'tree-'));
        await writeTree(folder, of);
        return (await bench.files.digest(folder, [])).digest;
      };

      test('is the same for the same files, whatever their order, times and other rights', async () => {
        const digest = await digestOf(tree);
        assert.equal(await digestOf(Object.fromEntries(Object.entries(tree).toReversed())), digest);
        await writeTree(bench.from, tree);
        await utimes(join(bench.from, 'a'), 1, 1);
        await chmod(join(bench.from, 'a'), 0o600);
        await chmod(join(bench.from, 'b'), 0o700);
        assert.deepEqual(await bench.files.digest(bench.from, []), { digest, files: 2, bytes: 2 });
        assert.equal((await bench.keep('v1')).digest, digest);
      });

      test('is another one when anything is another', async () => {
        const { a: _, ...withoutA } = tree;
        const { e: __, ...withoutE } = tree;
        const others: Tree[] = [
          { ...tree, a: '2' },
          { ...tree, a: { program: '1' } },
          { ...tree, 'b/c': '2' },
          { ...tree, d: { link: 'b' } },
          { ...tree, d: 'a' },
          { ...tree, f: { folder: true } },
          { ...withoutA, A: '1' },
          withoutE,
          // The same bytes in a row, cut elsewhere.
          { ab: { link: 'c' } },
          { a: { link: 'bc' } },
          { 'a\nb': '' },
          { a: '', b: '' },
          { 'a"': '' },
        ];
        const digests = await Promise.all([tree, ...others].map(digestOf));
        assert.equal(new Set(digests).size, digests.length);
      });
    });

    suite('a version that exists', () => {
      test('with the same files: the same answer again', async () => {
        await writeTree(bench.from, { a: 'x', b: 'y' });
        const first = await bench.keep('v1');
        assert.deepEqual(await bench.keep('v1'), first);
      });

      test('with other files: VERSION_EXISTS, and it stays as it was', async () => {
        await writeTree(bench.from, { a: 'x' });
        await bench.keep('v1');
        await writeFile(join(bench.from, 'a'), 'y');
        await assert.rejects(bench.keep('v1'), withCode('VERSION_EXISTS', 'web v1'));
        assert.deepEqual(await bench.kept('v1'), { a: 'x' });
      });

      test('in another service is another version', async () => {
        await writeTree(bench.from, { a: 'x' });
        await bench.keep('v1');
        await writeFile(join(bench.from, 'a'), 'y');
        await bench.keep('v1', { service: 'api' });
        assert.deepEqual(await bench.kept('v1'), { a: 'x' });
      });
    });

    suite('sharing', () => {
      test('takes no space for what an earlier version has, wherever it lies there', async () => {
        await writeTree(bench.from, { same: '1', old: '2', moved: '3', mode: '4', empty: '' });
        await bench.keep('v1');
        await rm(join(bench.from, 'moved'));
        await chmod(join(bench.from, 'mode'), 0o755);
        await writeTree(bench.from, { old: 'new', 'to/here': '3', 'copy of same': '1' });
        const { shared, files: count } = await bench.keep('v2', { earlier: ['v1'] });
        assert.deepEqual({ shared, count }, { shared: 4, count: 6 });
        assert.deepEqual(await bench.kept('v2'), {
          same: '1',
          old: 'new',
          mode: { program: '4' },
          empty: '',
          'to/here': '3',
          'copy of same': '1',
        });
      });

      test('copies instead when the earlier version is gone or was tampered with', async () => {
        await writeTree(bench.from, { a: 'right', b: 'right' });
        await bench.keep('v1');
        await chmod(join(bench.files.dir('web', 'v1'), 'a'), 0o644);
        await appendFile(join(bench.files.dir('web', 'v1'), 'a'), ' wrong');
        await rm(join(bench.files.dir('web', 'v1'), 'b'));
        assert.equal(await bench.files.verify('web', 'v1'), false);
        const { shared } = await bench.keep('v2', { earlier: ['v1', 'never-kept'] });
        assert.equal(shared, 0);
        assert.deepEqual(await bench.kept('v2'), { a: 'right', b: 'right' });
      });

      test('removing one version leaves those that share with it whole', async () => {
        await writeTree(bench.from, { a: 'x', b: { program: 'y' } });
        await bench.keep('v1');
        await bench.keep('v2', { earlier: ['v1'] });
        await bench.files.remove('web', 'v1');
        assert.equal(await bench.files.verify('web', 'v1'), false);
        assert.equal(await bench.files.verify('web', 'v2'), true);
        assert.deepEqual(await bench.kept('v2'), { a: 'x', b: { program: 'y' } });
      });
    });

    suite('verify', () => {
      const damages: Record<string, (at: string) => Promise<void>> = {
        'a file is gone': (at) => rm(join(at, 'a')),
        'a file has another size': async (at) => {
          await chmod(join(at, 'a'), 0o644);
          await appendFile(join(at, 'a'), '!');
        },
        'a file was written to': async (at) => {
          await chmod(join(at, 'a'), 0o644);
          await utimes(join(at, 'a'), 1, 1);
        },
        'a file is a folder': async (at) => {
          await rm(join(at, 'a'));
          await writeTree(at, { a: { folder: true } });
        },
        'a link leads elsewhere': async (at) => {
          await rm(join(at, 'link'));
          await writeTree(at, { link: { link: 'elsewhere' } });
        },
        'an empty folder is gone': (at) => rm(join(at, 'empty'), { recursive: true }),
        'all is gone': (at) => rm(at, { recursive: true }),
      };
      for (const [what, damage] of Object.entries(damages)) {
        test(`notices when ${what}, and such a version is not kept again`, async () => {
          const others = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`z${i}`, 'x']));
          await writeTree(bench.from, { ...others, a: 'x', link: { link: 'a' }, empty: { folder: true } });
          await bench.keep('v1');
          await damage(bench.files.dir('web', 'v1'));
          assert.equal(await bench.files.verify('web', 'v1'), false);
          await assert.rejects(bench.keep('v1'), withCode('VERSION_DAMAGED'));
        });
      }

      test('does not mind what the program wrote beside its files', async () => {
        await writeTree(bench.from, { a: 'x' });
        await bench.keep('v1');
        await writeTree(bench.files.dir('web', 'v1'), { 'tmp/session': 'x' });
        assert.equal(await bench.files.verify('web', 'v1'), true);
      });

      test('is false for a version that was never kept', async () => {
        assert.equal(await bench.files.verify('web', 'v1'), false);
      });
    });

    suite('remove', () => {
      test('takes all of a version, however often it is called', async () => {
        await writeTree(bench.from, { 'a/b': { program: 'x' } });
        await bench.files.remove('web', 'v1');
        await bench.keep('v1');
        await bench.files.remove('web', 'v1');
        await bench.files.remove('web', 'v1');
        assert.equal(await bench.files.verify('web', 'v1'), false);
        await writeFile(join(bench.from, 'a/b'), 'other');
        await bench.keep('v1');
        assert.deepEqual(await bench.kept('v1'), { 'a/b': { program: 'other' } });
      });
    });

    test('property: what is kept is what was there, and equal digests mean equal trees', async () => {
      const segment = fc.constantFrom('a', 'b', 'ü', ' ', '\n', 'a"', '[x]', '{');
      const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
      const content = fc.string({ maxLength: 3 });
      const node: fc.Arbitrary<Node> = fc.oneof(
        content,
        content.map((program) => ({ program })),
        fc.constantFrom('a', '..', '/x').map((link) => ({ link })),
      );
      const tree = fc.dictionary(path, node, { maxKeys: 6 }).map(withoutClashes);
      const seen = new Map<string, Tree>();
      let version = 0;
      await fc.assert(
        fc.asyncProperty(tree, async (one) => {
          const folder = await mkdtemp(join(bench.dir, 'tree-'));
          await writeTree(folder, one);
          version += 1;
          const { digest } = await bench.keep(`v${version}`, { from: folder, earlier: [`v${version - 1}`] });
          assert.deepEqual(await bench.kept(`v${version}`), one);
          assert.deepEqual(seen.get(digest) ?? one, one);
          seen.set(digest, one);
          assert.equal(new Set([...seen.values()].map(textOf)).size, seen.size);
        }),
        { numRuns: 40 },
      );
    });
  });
}

const sizeOf = (node: Node): number => {
  if (typeof node === 'string') return Buffer.byteLength(node);
  return 'program' in node ? Buffer.byteLength(node.program) : 0;
};

const textOf = (tree: Tree): string =>
  JSON.stringify(Object.entries(tree).toSorted(([a], [b]) => (a < b ? -1 : 1)));

/** Nothing lies below a file. */
function withoutClashes(tree: Tree): Tree {
  const paths = Object.keys(tree);
  return Object.fromEntries(
    Object.entries(tree).filter(([path]) => !paths.some((other) => path.startsWith(`${other}/`))),
  );
}

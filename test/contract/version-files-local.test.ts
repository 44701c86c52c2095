/**
 * Version files on a local disk: the contract, and what is particular to hard links and crashes. Hunts kept
 * files that are the user's own by a hard link, leftovers of a killed keep, and half versions on a full disk.
 */
import assert from 'node:assert/strict';
import { chmod, chown, lstat, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalVersionFiles } from '../../src/drivers/files/local/local-version-files.ts';
import { Child, inMount, noMounts } from './child.ts';
import { readTree, writeTree } from './tree.ts';
import { versionFilesContract } from './version-files.ts';
import { versionFilesTroubles } from './version-files-troubles.ts';

const CHILD = 'version-files-child.ts';
const MEGABYTE = 1024 * 1024;
const isRoot = process.getuid?.() === 0;

versionFilesContract('local', (root) => new LocalVersionFiles({ root }));
versionFilesTroubles('local', (root) => new LocalVersionFiles({ root }));

suite('local version files', () => {
  let dir: string;
  let from: string;
  let root: string;
  let service: string;
  let files: LocalVersionFiles;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'segue-local-'));
    from = join(dir, 'build');
    root = join(dir, 'project');
    service = join(root, '.segue/releases/web');
    files = new LocalVersionFiles({ root });
    await writeTree(dir, { build: { folder: true }, project: { folder: true } });
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  const keep = (version: string, earlier: string[] = []) =>
    files.keep({ service: 'web', version, from, ignore: [], earlier });
  const at = (version: string, path: string) => join(files.dir('web', version), path);

  test('kept files are read-only, folders are not, and nothing is open to others', async () => {
    await writeTree(from, { 'sub/a': 'x', b: { program: 'y' } });
    await chmod(join(from, 'sub/a'), 0o600);
    await chmod(join(from, 'b'), 0o4775);
    await keep('v1');
    const modeOf = async (path: string) => ((await lstat(path)).mode & 0o7777).toString(8);
    assert.equal(await modeOf(at('v1', 'sub/a')), '444');
    assert.equal(await modeOf(at('v1', 'b')), '555');
    assert.match(await modeOf(at('v1', 'sub')), /^7/);
    assert.equal(await modeOf(join(root, '.segue')), '700');
  });

  test('versions share their files with each other, never with the folder they came from', async () => {
    await writeTree(from, { a: 'x' });
    await keep('v1');
    await keep('v2', ['v1']);
    await keep('v3', ['v2', 'v1']);
    const inodes = await Promise.all(
      [join(from, 'a'), at('v1', 'a'), at('v2', 'a'), at('v3', 'a')].map(async (p) => (await lstat(p)).ino),
    );
    assert.equal(new Set(inodes.slice(1)).size, 1);
    assert.notEqual(inodes[0], inodes[1]);
  });

  test('a keep that was killed leaves no version, and the next one clears up and works', async () => {
    const tree = Object.fromEntries(
      Array.from({ length: 5_000 }, (_, i) => [`d${i % 50}/f${i}`, `content ${i}`]),
    );
    await writeTree(from, tree);
    const killed = new Child(CHILD, [root, from, 'v1']);
    try {
      await until(async () => (await filesIn(service)) > 500);
    } finally {
      await killed.kill();
    }
    assert.deepEqual(await killed.rest(), []);
    assert.equal((await readdir(service)).length, 1, 'one scratch folder is left');
    assert.equal(await files.verify('web', 'v1'), false);
    assert.equal((await keep('v1')).files, 5_000);
    assert.deepEqual(await readdir(service), ['v1']);
    assert.deepEqual(await readTree(files.dir('web', 'v1')), tree);
  });

  test('a removal that was killed half way is finished by the next keep of another process', async () => {
    await writeTree(from, { a: 'x' });
    await keep('v1');
    await writeTree(service, { '.scratch-abc123/removed/files/a': 'x' });
    files = new LocalVersionFiles({ root });
    await keep('v2');
    assert.deepEqual((await readdir(service)).toSorted(), ['v1', 'v2']);
  });

  test(
    'a file that may not be read: SOURCE_MISSING, and it is named',
    { skip: isRoot && noMounts },
    async () => {
      const secret = join(from, 'secret');
      await writeTree(from, { a: 'x', secret: 'y' });
      await chmod(secret, 0);
      // Root reads everything, except what belongs to no one in its user namespace.
      if (isRoot) await chown(secret, 65_534, 65_534);
      const child = new Child(CHILD, [root, from, 'v1'], isRoot ? ['unshare', '-r'] : []);
      assert.deepEqual(await child.rest(), [`SOURCE_MISSING ${secret} cannot be read (EACCES).`]);
      assert.deepEqual(await readdir(service), []);
    },
  );

  suite('a disk that cannot be written', { skip: noMounts }, () => {
    test('full: DISK_FULL, and nothing is left behind', async () => {
      await writeTree(from, Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`small ${i}`, 'x'])));
      await writeFile(join(from, 'large'), Buffer.alloc(3 * MEGABYTE, 1));
      const shell = `"$@"; find "$DIR/.segue/releases/web" -mindepth 1; echo end`;
      const before = inMount(root, 2 * MEGABYTE).map((word) => word.replace('exec "$@"', shell));
      const child = new Child(CHILD, [root, from, 'v1'], before);
      const [said, ...left] = await child.rest();
      assert.match(said ?? '', /^DISK_FULL /);
      assert.deepEqual(left, ['end']);
    });

    test('read-only: DIRECTORY_READ_ONLY', async () => {
      await writeTree(from, { a: 'x' });
      const before = inMount(root, MEGABYTE, 'mount -o remount,ro "$DIR"');
      const [said] = await new Child(CHILD, [root, from, 'v1'], before).rest();
      assert.match(said ?? '', /^DIRECTORY_READ_ONLY /);
    });
  });
});

async function filesIn(folder: string): Promise<number> {
  const all = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return all.filter((dirent) => dirent.isFile()).length;
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 3_000; tries += 1) {
    if (await condition()) return;
    await sleep(10);
  }
  throw new Error('it never came true');
}

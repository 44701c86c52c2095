/**
 * The SQLite store: the contract of every store, and what is particular to a file on a disk. Hunts a lock that
 * outlives its holder or is inherited by an instance, acknowledged commits that a crash loses, a journal that
 * can be rewritten, and files that are touched although they belong to a newer Segue or are damaged.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, open, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { DEFAULT_JUDGE } from '../../src/core/judge/rules.ts';
import { openSqliteStore } from '../../src/drivers/store/sqlite/open.ts';
import type { Store } from '../../src/ports/store.ts';
import { Child, inMount, noMounts } from './child.ts';
import { entry, serviceRecord, versionRecord } from './records.ts';
import { storeContract } from './store.ts';
import { withCode } from './with-code.ts';

const CHILD = 'store-sqlite-child.ts';
const newRoot = () => mkdtemp(join(tmpdir(), 'segue-store-'));

storeContract('sqlite', async () => {
  const root = await newRoot();
  return {
    open: () => openSqliteStore({ root }),
    dispose: () => rm(root, { recursive: true, force: true }),
  };
});

suite('sqlite store', () => {
  let root: string;
  let journal: string;
  let children: Child[];
  let stores: Store[];

  beforeEach(async () => {
    root = await newRoot();
    journal = join(root, '.segue/journal.db');
    children = [];
    stores = [];
  });
  afterEach(async () => {
    for (const child of children) await child.kill();
    for (const store of stores) await store.close();
    await rm(root, { recursive: true, force: true });
  });

  const openStore = async () => {
    const store = await openSqliteStore({ root });
    stores.push(store);
    return store;
  };
  const child = (verb: string, before?: readonly string[]) => {
    const started = new Child(CHILD, [verb, root], before);
    children.push(started);
    return started;
  };
  /** A journal with content, closed: everything is in the one file. */
  const writeJournal = async (entries = 1) => {
    const store = await openStore();
    await store.commit(
      Array.from({ length: entries }, (_, i) => entry(i)),
      [
        { put: 'service', record: serviceRecord('web') },
        { put: 'version', record: versionRecord('v1') },
      ],
    );
    await store.close();
  };
  /** Of today's journals. */
  const formats = 2;
  const edit = (sql: string) => {
    const database = new DatabaseSync(journal);
    database.exec(sql);
    database.close();
  };

  suite('lock', () => {
    test('names the process that holds it, and goes when that is killed', async () => {
      const holder = child('open');
      assert.equal(await holder.line(), 'open');
      await assert.rejects(openStore(), withCode('CONTROL_RUNNING', `Process ${holder.process.pid} `));
      await holder.kill();
      const left = await readdir(join(root, '.segue'));
      assert.ok(!left.includes('control.lock-journal'), 'taking the lock wrote to the disk');
      await openStore();
    });

    test('is not lost when the process that holds it tries to open the store again', async () => {
      await openStore();
      await assert.rejects(openStore(), withCode('CONTROL_RUNNING', `Process ${process.pid} `));
      assert.equal(await child('open').line(), 'CONTROL_RUNNING');
    });

    test('is not inherited by a process that outlives the holder', async () => {
      const holder = child('leave-a-child');
      const orphan = Number(await holder.line());
      try {
        await assert.rejects(openStore(), withCode('CONTROL_RUNNING'));
        await holder.kill();
        process.kill(orphan, 0);
        await openStore();
      } finally {
        process.kill(orphan, 'SIGKILL');
      }
    });

    test('of several that ask at once exactly one gets it', async () => {
      const all = Array.from({ length: 4 }, () => child('open'));
      const answers = await Promise.all(all.map((c) => c.line()));
      assert.deepEqual(answers.toSorted(), ['CONTROL_RUNNING', 'CONTROL_RUNNING', 'CONTROL_RUNNING', 'open']);
    });

    test('got round by deleting its file: the older control is fenced out', async () => {
      const older = await openStore();
      await older.commit([entry(1)], []);
      await rm(join(root, '.segue/control.lock'));
      const newer = await openStore();
      await assert.rejects(older.commit([entry(2)], []), withCode('FENCED_OUT'));
      const [next] = await newer.commit([entry(3)], []);
      assert.equal(next?.seq, 2);
    });

    test('a journal that was deleted under its control takes no more commits', async () => {
      const older = await openStore();
      await rm(join(root, '.segue'), { recursive: true });
      await openStore();
      await assert.rejects(older.commit([entry(1)], []), withCode('FENCED_OUT'));
    });

    test('is let go of when the journal cannot be opened', async () => {
      await writeJournal();
      edit('PRAGMA user_version = 99');
      await assert.rejects(openStore(), withCode('JOURNAL_NEWER'));
      edit(`PRAGMA user_version = ${formats}`);
      await openStore();
    });
  });

  test('every acknowledged commit is there after SIGKILL, and none by half', async () => {
    const writer = child('commit');
    for (let n = 0; n < 60; n += 1) await writer.line();
    await writer.kill();
    const acknowledged = Number((await writer.rest()).at(-1) ?? 60);
    const entries = await (await openStore()).entries({});
    assert.ok(entries.length >= acknowledged, `${entries.length} of ${acknowledged} are left`);
    assert.equal(entries.length % 2, 0, 'a commit of two entries is there by half');
    assert.deepEqual(
      entries.map((e) => e.seq),
      entries.map((_, i) => i + 1),
    );
  });

  test('the journal refuses to be changed, shortened or numbered anew', async () => {
    await writeJournal(3);
    assert.throws(() => edit('UPDATE journal SET at_ms = 0'), /append-only/);
    assert.throws(() => edit('DELETE FROM journal WHERE seq = 3'), /append-only/);
    const values = "1, 1, NULL, NULL, 'x', '{}'";
    assert.throws(() => edit(`INSERT OR REPLACE INTO journal VALUES (2, ${values})`), /no gaps/);
    assert.throws(() => edit(`INSERT INTO journal VALUES (5, ${values})`), /no gaps/);
  });

  test('folder and files are for their owner only', async () => {
    await openStore();
    const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
    assert.equal(await modeOf(join(root, '.segue')), '700');
    for (const name of await readdir(join(root, '.segue')))
      assert.equal(await modeOf(join(root, '.segue', name)), '600', name);
  });

  test('prints no warning', async () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [join(import.meta.dirname, CHILD), 'open-and-close', root],
      { encoding: 'utf8' },
    );
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
  });

  suite('a journal that is not for this Segue', () => {
    /** Every byte under `.segue`, but for the lock, which is not the journal's. */
    const bytes = async () => {
      const names = (await readdir(join(root, '.segue'))).filter((name) => !name.startsWith('control.'));
      return Promise.all(
        names.toSorted().map(async (name) => [name, await readFile(join(root, '.segue', name), 'hex')]),
      );
    };

    test('from a newer one: refused, and not a byte is changed', async () => {
      await writeJournal();
      edit('PRAGMA user_version = 99');
      const before = await bytes();
      await assert.rejects(openStore(), withCode('JOURNAL_NEWER'));
      assert.deepEqual(await bytes(), before);
      assert.equal(before.length, 1);
    });

    test('from a newer one that crashed before it wrote its log back: refused, nothing lost', async () => {
      await writeJournal();
      const script = `const { DatabaseSync } = require('node:sqlite');
        new DatabaseSync(process.argv[1]).exec('PRAGMA user_version = 99');
        process.kill(process.pid, 'SIGKILL');`;
      spawnSync(process.execPath, ['-e', script, journal]);
      assert.ok(existsSync(`${journal}-wal`));
      const before = await readFile(journal, 'hex');
      const wal = await readFile(`${journal}-wal`, 'hex');
      await assert.rejects(openStore(), withCode('JOURNAL_NEWER'));
      assert.equal(await readFile(journal, 'hex'), before);
      assert.equal(await readFile(`${journal}-wal`, 'hex'), wal);
    });

    test('from an earlier one, with a preview under way: its instances are a candidate without a share', async () => {
      await writeJournal();
      const rotation = { instances: ['a'], preview: ['b'], draining: ['c'] };
      edit(`UPDATE service SET data = json_set(data, '$.rotation', json('${JSON.stringify(rotation)}'))`);
      const store = await openStore();
      const [service] = (await store.load()).services;
      assert.deepEqual(service?.rotation, {
        instances: ['a'],
        split: {
          candidate: { instances: ['b'], percent: 0 },
          baseline: { instances: [], percent: 0 },
          shadow: null,
          rules: [],
        },
        draining: ['c'],
      });
      await store.close();
    });

    test('from before there was a judge: its versions have one, unless they say that they have none', async () => {
      await writeJournal();
      const specs = async () => {
        const store = await openStore();
        const { versions } = await store.load();
        await store.close();
        return versions.map(({ spec }) => spec.judge);
      };
      edit(`UPDATE version SET data = json_remove(data, '$.spec.judge')`);
      assert.deepEqual(await specs(), [DEFAULT_JUDGE]);
      edit(`UPDATE version SET data = json_set(data, '$.spec.judge', NULL)`);
      assert.deepEqual(await specs(), [null]);
    });

    test('from an earlier one, with a split that said nothing of copies: it had none', async () => {
      await writeJournal();
      const share = { instances: ['b'], percent: 5 };
      const split = { candidate: share, baseline: { instances: [], percent: 0 }, rules: [] };
      const rotation = { instances: ['a'], split, draining: [] };
      edit(`UPDATE service SET data = json_set(data, '$.rotation', json('${JSON.stringify(rotation)}'))`);
      const store = await openStore();
      const [service] = (await store.load()).services;
      assert.deepEqual(service?.rotation.split, { ...split, shadow: null });
      await store.close();
    });

    test('garbage: damaged, and left as it is', async () => {
      await writeJournal();
      await writeFile(journal, 'not a database at all\n'.repeat(1_000));
      const before = await bytes();
      await assert.rejects(openStore(), withCode('JOURNAL_DAMAGED'));
      assert.deepEqual(await bytes(), before);
    });

    test('cut off: damaged', async () => {
      await writeJournal(500);
      const { size } = await stat(journal);
      await truncate(journal, size / 2);
      await assert.rejects(openStore(), withCode('JOURNAL_DAMAGED'));
    });

    test('overwritten inside: damaged as soon as it is read', async () => {
      await writeJournal(500);
      const file = await open(journal, 'r+');
      const { size } = await file.stat();
      await file.write(Buffer.alloc(size - 4_096, 0xa5), 0, size - 4_096, 4_096);
      await file.close();
      await assert.rejects(
        openStore().then((store) => store.load()),
        withCode('JOURNAL_DAMAGED'),
      );
    });

    test('a record that is not JSON, or not a record: damaged, and named', async () => {
      await writeJournal();
      for (const data of ['{"name":', '[]', 'null', '7']) {
        edit(`UPDATE service SET data = '${data}' WHERE name = 'web'`);
        const store = await openStore();
        await assert.rejects(store.load(), withCode('JOURNAL_DAMAGED', 'service web'));
        await store.close();
      }
      edit(`DROP TRIGGER journal_no_update; UPDATE journal SET data = '[]' WHERE seq = 1`);
      await assert.rejects((await openStore()).entries({}), withCode('JOURNAL_DAMAGED', 'journal entry 1'));
    });
  });

  suite('a disk that cannot be written', { skip: noMounts }, () => {
    const MEGABYTE = 1024 * 1024;

    test('full: DISK_FULL, and the same store goes on once there is space', async () => {
      const writer = child('fill-the-disk', inMount(root, 4 * MEGABYTE));
      assert.deepEqual(await writer.rest(), ['DISK_FULL', '1 after the last that was acknowledged']);
    });

    test('full when it is opened: DISK_FULL, and nothing stays in the way', async () => {
      const opener = child('open-on-a-full-disk', inMount(root, 4 * MEGABYTE));
      assert.deepEqual(await opener.rest(), ['DISK_FULL', 'open']);
    });

    test('read-only: DIRECTORY_READ_ONLY', async () => {
      const opener = child('open', inMount(root, MEGABYTE, 'mount -o remount,ro "$DIR"'));
      assert.deepEqual(await opener.rest(), ['DIRECTORY_READ_ONLY']);
    });

    test('read-only with a journal: DIRECTORY_READ_ONLY', async () => {
      const fixture = join(import.meta.dirname, CHILD);
      const prepare = `'${process.execPath}' '${fixture}' open-and-close "$DIR" && mount -o remount,ro "$DIR"`;
      const opener = child('open', inMount(root, MEGABYTE, prepare));
      assert.deepEqual(await opener.rest(), ['DIRECTORY_READ_ONLY']);
    });
  });
});

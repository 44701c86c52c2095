/**
 * Hunts a memory that runs ahead of the disk, decisions made on what another write is about to change, and
 * writes that a full disk loses. The store is the real one.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { SegueError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Entry } from '../core/release/journal.ts';
import { openSqliteStore } from '../drivers/store/sqlite/open.ts';
import type { Store } from '../ports/store.ts';
import { instanceRecord, releaseRecord, serviceRecord } from '../../test/contract/records.ts';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { Ledger, type Writing } from './ledger.ts';

/** The real store, whose writes can be made to fail or to wait. */
class Disk {
  readonly store: Store;
  failure: Error | null = null;
  commits = 0;

  constructor(store: Store) {
    this.store = new Proxy(store, {
      get: (target, key) => {
        if (key === 'commit') return this.#commit(target);
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }

  #commit(store: Store): Store['commit'] {
    return async (entries, changes) => {
      this.commits += 1;
      if (this.failure) throw this.failure;
      return store.commit(entries, changes);
    };
  }
}

async function scene(t: TestContext) {
  const root = await mkdtemp(path.join(os.tmpdir(), 'segue-ledger-'));
  let store = await openSqliteStore({ root });
  t.after(async () => {
    await store.close();
    await rm(root, { recursive: true });
  });
  const disk = new Disk(store);
  const clock = new FakeClock();
  const ledger = await Ledger.open(disk.store, clock);
  const reopen = async (): Promise<Ledger> => {
    await store.close();
    store = await openSqliteStore({ root });
    return Ledger.open(store, clock);
  };
  return { ledger, disk, clock, reopen };
}

const noting = (wanted: number): Writing => ({
  facts: [{ kind: 'control-stopped' }],
  changes: [{ put: 'service', record: serviceRecord('web', { wanted }) }],
});

test('memory follows the disk: neither before the write is durable, nor after one that failed', async (t) => {
  const { ledger, disk, reopen } = await scene(t);
  const writing = ledger.write(() => noting(1));
  assert.equal(ledger.services.length, 0);
  await writing;
  assert.equal(ledger.service('web').wanted, 1);
  disk.failure = new SegueError('FENCED_OUT');
  const heard: Entry[] = [];
  ledger.follow((entry) => heard.push(entry));
  await assert.rejects(
    ledger.write(() => noting(2)),
    { code: 'FENCED_OUT' },
  );
  assert.equal(ledger.service('web').wanted, 1);
  assert.deepEqual(heard, []);
  assert.equal((await reopen()).service('web').wanted, 1);
});

test('writes are made in the order of asking, and each decides on what those before it left', async (t) => {
  const { ledger } = await scene(t);
  const add = () => ledger.write(() => noting(ledger.service('web').wanted + 1));
  await ledger.write(() => noting(0));
  const written = await Promise.all(Array.from({ length: 20 }, add));
  assert.equal(ledger.service('web').wanted, 20);
  const numbers = written.flat().map(({ seq }) => seq);
  assert.deepEqual(
    numbers,
    Array.from({ length: 20 }, (_, i) => i + 2),
  );
});

test('a decision that throws or that changes nothing writes nothing, and holds nobody up', async (t) => {
  const { ledger, disk } = await scene(t);
  const failing = ledger.write(() => assert.fail('cannot decide'));
  const nothing = ledger.write(() => null);
  const next = ledger.write(() => noting(5));
  await assert.rejects(failing, /cannot decide/);
  assert.deepEqual(await nothing, []);
  await next;
  assert.equal(disk.commits, 1);
  assert.equal(ledger.service('web').wanted, 5);
});

test('a full disk is waited for and shown; what was to be written is not lost, and stays in order', async (t) => {
  const { ledger, disk, clock } = await scene(t);
  disk.failure = new SegueError('DISK_FULL', 'While writing.');
  const first = ledger.write(() => noting(1));
  const second = ledger.write(() => noting(ledger.service('web').wanted + 10));
  await clock.advance(limits.store.retryMs * 3.5);
  assert.match(ledger.trouble ?? '', /no space left/);
  assert.equal(disk.commits, 4);
  disk.failure = null;
  await clock.advance(limits.store.retryMs);
  await Promise.all([first, second]);
  assert.equal(ledger.service('web').wanted, 11);
  assert.equal(ledger.trouble, null);
});

test('a disk that stays full is an error after a bounded number of tries', async (t) => {
  const { ledger, disk, clock } = await scene(t);
  disk.failure = new SegueError('DISK_FULL');
  const writing = assert.rejects(
    ledger.write(() => noting(1)),
    { code: 'DISK_FULL' },
  );
  await clock.advance(limits.store.retryMs * (limits.store.retriesMax + 1));
  await writing;
  assert.equal(disk.commits, limits.store.retriesMax + 1);
  assert.equal(clock.sleeping, 0);
});

test('what has ended is forgotten, numbers of releases are not', async (t) => {
  const { ledger, reopen } = await scene(t);
  const put = (record: ReturnType<typeof releaseRecord>) =>
    ledger.write(() => ({ facts: [], changes: [{ put: 'release', record }] }));
  assert.equal(ledger.nextReleaseId(), 'r1');
  await put(releaseRecord('r1'));
  await put(releaseRecord('r1', { state: { phase: 'forward', at: 1, underWay: true } }));
  assert.equal(ledger.nextReleaseId(), 'r2');
  const state = { phase: 'ended', outcome: 'done', cause: null } as const;
  await put(releaseRecord('r1', { state, endedAtMs: 5 }));
  assert.deepEqual(ledger.activeReleases, []);
  assert.equal(ledger.nextReleaseId(), 'r2');
  const instance = instanceRecord('web-r1-1');
  await ledger.write(() => ({ facts: [], changes: [{ put: 'instance', record: instance }] }));
  assert.equal(ledger.instances.length, 1);
  const stopped = { ...instance, phase: 'stopped' } as const;
  await ledger.write(() => ({ facts: [], changes: [{ put: 'instance', record: stopped }] }));
  assert.deepEqual(ledger.instances, []);
  const later = await reopen();
  assert.equal(later.nextReleaseId(), 'r2');
  assert.deepEqual([later.instances, later.activeReleases], [[], []]);
  assert.ok(later.fence > ledger.fence);
});

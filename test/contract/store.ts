/**
 * What every store keeps, whatever it is made of. Hunts lost or half-written changes, gaps and repeats in the
 * journal's numbers, pages that skip or repeat entries, and two controls that act at once (R7).
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, suite, test } from 'node:test';
import fc from 'fast-check';
import { beginEvidence } from '../../src/core/judge/evidence.ts';
import { PastBook } from '../../src/core/judge/past-book.ts';
import type { Entry } from '../../src/core/release/journal.ts';
import type { Change, Store } from '../../src/ports/store.ts';
import { withCode } from './with-code.ts';
import { entry, instanceRecord, releaseRecord, serviceRecord, versionRecord } from './records.ts';

/** One empty place for a journal. */
interface StorePlace {
  open(): Promise<Store>;
  dispose(): Promise<void>;
}

export function storeContract(driver: string, newPlace: () => Promise<StorePlace>): void {
  suite(`store contract: ${driver}`, () => {
    let place: StorePlace;
    let store: Store;

    beforeEach(async () => {
      place = await newPlace();
      store = await place.open();
    });
    afterEach(async () => {
      await store.close();
      await place.dispose();
    });
    const reopen = async () => {
      await store.close();
      store = await place.open();
    };

    test('an empty store remembers nothing', async () => {
      assert.deepEqual(await store.load(), {
        services: [],
        versions: [],
        instances: [],
        releases: [],
        evidence: [],
        pasts: [],
        settings: {},
        releaseCount: 0,
      });
      assert.deepEqual(await store.entries({}), []);
      assert.deepEqual(await store.releases({}), []);
      assert.equal(await store.release('r1'), null);
    });

    test('numbers entries without gaps, also after it was opened again', async () => {
      const first = await store.commit([entry(1), entry(2)], []);
      await reopen();
      const second = await store.commit([entry(3)], []);
      assert.deepEqual(
        [...first, ...second].map((e) => e.seq),
        [1, 2, 3],
      );
      assert.deepEqual(await store.entries({}), [...first, ...second]);
    });

    test('the fence rises with every opening, and entries carry it', async () => {
      const before = store.fence;
      const [old] = await store.commit([entry(1)], []);
      await reopen();
      const [young] = await store.commit([entry(2)], []);
      assert.ok(store.fence > before);
      assert.deepEqual([old?.fence, young?.fence], [before, store.fence]);
    });

    test('is refused while another is open, and accepted after that was closed', async () => {
      await assert.rejects(place.open(), withCode('CONTROL_RUNNING'));
      await store.commit([entry(1)], []);
      await reopen();
      assert.equal((await store.entries({})).length, 1);
    });

    test('closing twice is closing once', async () => {
      await store.close();
      await store.close();
      store = await place.open();
    });

    test('remembers the last state of every record across openings', async () => {
      const instance = instanceRecord('web-r1-1', { phase: 'starting', mark: null });
      await store.commit(
        [],
        [
          { put: 'service', record: serviceRecord('web') },
          { put: 'version', record: versionRecord('v1') },
          { put: 'instance', record: instance },
          { put: 'release', record: releaseRecord('r1') },
          { put: 'setting', key: 'environment', value: 'staging' },
        ],
      );
      const service = serviceRecord('web', { stable: 'v1', activeRelease: 'r1' });
      const version = versionRecord('v1', { removed: true });
      await store.commit(
        [],
        [
          { put: 'service', record: service },
          { put: 'version', record: version },
          { put: 'instance', record: instanceRecord('web-r1-1') },
          { put: 'setting', key: 'environment', value: 'größer\n\u2028"\'' },
          { put: 'setting', key: '__proto__', value: 'a key like any other' },
        ],
      );
      await reopen();
      const remembered = await store.load();
      assert.deepEqual(remembered.services, [service]);
      assert.deepEqual(remembered.versions, [version]);
      assert.deepEqual(remembered.instances, [instanceRecord('web-r1-1')]);
      assert.deepEqual(remembered.releases, [releaseRecord('r1')]);
      assert.deepEqual(Object.entries(remembered.settings), [
        ['environment', 'größer\n\u2028"\''],
        ['__proto__', 'a key like any other'],
      ]);
    });

    test('loads neither ended releases nor stopped instances, but counts every release', async () => {
      const ended = releaseRecord('r1', {
        state: { phase: 'ended', outcome: 'done', cause: null },
        endedAtMs: 2_000,
      });
      await store.commit(
        [],
        [
          { put: 'release', record: ended },
          { put: 'release', record: releaseRecord('r2') },
          { put: 'instance', record: instanceRecord('web-r1-1', { phase: 'stopped' }) },
          { put: 'instance', record: instanceRecord('web-r2-1', { phase: 'stopping' }) },
        ],
      );
      const { releases, instances, releaseCount } = await store.load();
      assert.deepEqual(
        releases.map((r) => r.id),
        ['r2'],
      );
      assert.deepEqual(
        instances.map((i) => i.id),
        ['web-r2-1'],
      );
      assert.equal(releaseCount, 2);
      assert.deepEqual(await store.release('r1'), ended);
    });

    test('what a release is judged by is kept until it is not needed, and the past of a service for good', async () => {
      const evidence = beginEvidence({ release: 'r1', service: 'web', from: 'v1', to: 'v2' }, []);
      const past = new PastBook('web', undefined).record();
      const other = { ...evidence, release: 'r2', stage: 3 };
      await store.commit(
        [],
        [
          { put: 'evidence', release: 'r1', record: evidence },
          { put: 'evidence', release: 'r2', record: evidence },
          { put: 'evidence', release: 'r2', record: other },
          { put: 'past', record: past },
          { put: 'past', record: { ...past, windowMs: 120_000 } },
        ],
      );
      await store.commit([], [{ put: 'evidence', release: 'r1', record: null }]);
      await store.commit([], [{ put: 'evidence', release: 'nothing', record: null }]);
      await reopen();
      const remembered = await store.load();
      assert.deepEqual(remembered.evidence, [other]);
      assert.deepEqual(remembered.pasts, [{ ...past, windowMs: 120_000 }]);
    });

    test('a change that cannot be written takes its entries and the other changes with it', async () => {
      await store.commit([entry(1)], []);
      const impossible = releaseRecord('r1', { startedAtMs: Number.NaN });
      await assert.rejects(
        store.commit(
          [entry(2)],
          [
            { put: 'service', record: serviceRecord('web') },
            { put: 'release', record: impossible },
          ],
        ),
      );
      assert.deepEqual((await store.load()).services, []);
      const [next] = await store.commit([entry(3)], []);
      assert.equal(next?.seq, 2);
      assert.equal((await store.entries({})).length, 2);
    });

    test('an entry that cannot be written takes the changes with it', async () => {
      await assert.rejects(
        store.commit(
          [entry(1), entry(2, { atMs: Number.NaN })],
          [{ put: 'service', record: serviceRecord('web') }],
        ),
      );
      assert.deepEqual((await store.load()).services, []);
      assert.deepEqual(await store.entries({}), []);
    });

    test('entries: by release, by service, after a number, a page, the last ones in order', async () => {
      const of = (release: string | null, service: string | null, pid: number) =>
        entry(pid, { release, service });
      await store.commit(
        [of('r1', 'web', 1), of(null, null, 2), of('r2', 'api', 3), of('r1', 'web', 4), of('r3', 'web', 5)],
        [],
      );
      const seqs = async (query: Parameters<Store['entries']>[0]) =>
        (await store.entries(query)).map((e) => e.seq);
      assert.deepEqual(await seqs({ release: 'r1' }), [1, 4]);
      assert.deepEqual(await seqs({ service: 'web' }), [1, 4, 5]);
      assert.deepEqual(await seqs({ service: 'web', release: 'r3' }), [5]);
      assert.deepEqual(await seqs({ afterSeq: 3 }), [4, 5]);
      assert.deepEqual(await seqs({ limit: 2 }), [1, 2]);
      assert.deepEqual(await seqs({ limit: 2, last: true }), [4, 5]);
      assert.deepEqual(await seqs({ service: 'web', limit: 1, last: true, afterSeq: 1 }), [5]);
      assert.deepEqual(await seqs({ limit: 0 }), []);
      assert.deepEqual(await seqs({ release: "r1' OR '1'='1" }), []);
    });

    test('paging through the journal meets every entry once, and no page is larger than its limit', async () => {
      for (let batch = 0; batch < 25; batch += 1)
        await store.commit(
          Array.from({ length: 50 }, (_, i) => entry(batch * 50 + i)),
          [],
        );
      const met: Entry[] = [];
      for (;;) {
        const page = await store.entries({ afterSeq: met.at(-1)?.seq ?? 0, limit: 999_999 });
        if (page.length === 0) break;
        assert.ok(page.length <= 1_000);
        met.push(...page);
      }
      assert.deepEqual(
        met.map((e) => e.seq),
        Array.from({ length: 1_250 }, (_, i) => i + 1),
      );
    });

    test('releases: newest first by their beginning, not by name or by the last change', async () => {
      for (let n = 1; n <= 12; n += 1)
        await store.commit(
          [],
          [{ put: 'release', record: releaseRecord(`r${n}`, { service: n % 2 ? 'web' : 'api' }) }],
        );
      await store.commit([], [{ put: 'release', record: releaseRecord('r3', { endedAtMs: 5_000 }) }]);
      const ids = async (query: Parameters<Store['releases']>[0]) =>
        (await store.releases(query)).map((r) => r.id);
      assert.deepEqual(await ids({ limit: 3 }), ['r12', 'r11', 'r10']);
      assert.deepEqual(await ids({ service: 'web' }), ['r11', 'r9', 'r7', 'r5', 'r3', 'r1']);
      assert.deepEqual(await ids({ service: 'nothing' }), []);
      assert.equal((await store.release('r3'))?.endedAtMs, 5_000);
    });

    test('property: after any commits and openings, what is loaded is what was put', async () => {
      const name = fc.constantFrom('web', 'api', 'mailer');
      const change: fc.Arbitrary<Change> = fc.oneof(
        fc.record({
          put: fc.constant('service' as const),
          record: fc.tuple(name, fc.nat(9)).map(([n, wanted]) => serviceRecord(n, { wanted })),
        }),
        fc.record({
          put: fc.constant('setting' as const),
          key: name,
          value: fc.string({ unit: 'grapheme' }),
        }),
        fc.record({
          put: fc.constant('instance' as const),
          record: fc
            .tuple(name, fc.constantFrom('starting' as const, 'running' as const, 'stopped' as const))
            .map(([id, phase]) => instanceRecord(id, { phase })),
        }),
      );
      const step = fc.record({ reopen: fc.boolean(), entries: fc.nat(3), changes: fc.array(change) });
      // One store for all runs, so the model goes on with it: opening hundreds of stores would take too long.
      const remembered = new Map<string, Change>();
      let written = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 5 }), async (steps) => {
          for (const { reopen: again, entries, changes } of steps) {
            if (again) await reopen();
            await store.commit(
              Array.from({ length: entries }, (_, i) => entry(i)),
              changes,
            );
            written += entries;
            for (const c of changes) remembered.set(`${c.put} ${keyOf(c)}`, c);
          }
          await assertRemembers(store, remembered);
          assert.equal((await store.entries({ last: true, limit: 1 }))[0]?.seq ?? 0, written);
        }),
        { numRuns: 15 },
      );
    });
  });
}

function keyOf(change: Change): string {
  switch (change.put) {
    case 'setting':
      return change.key;
    case 'evidence':
      return change.release;
    case 'past':
      return change.record.service;
    case 'service':
      return change.record.name;
    case 'version':
      return `${change.record.service} ${change.record.version}`;
    case 'instance':
    case 'release':
      return change.record.id;
  }
}

async function assertRemembers(store: Store, changes: ReadonlyMap<string, Change>): Promise<void> {
  const { services, instances, settings } = await store.load();
  const all = [...changes.values()];
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1);
  assert.deepEqual(
    services.toSorted(byName),
    all
      .filter((c) => c.put === 'service')
      .map((c) => c.record)
      .toSorted(byName),
  );
  assert.deepEqual(
    instances.toSorted(byId),
    all
      .filter((c) => c.put === 'instance')
      .map((c) => c.record)
      .filter((i) => i.phase !== 'stopped')
      .toSorted(byId),
  );
  assert.deepEqual(
    settings,
    Object.fromEntries(all.filter((c) => c.put === 'setting').map((c) => [c.key, c.value])),
  );
}

/** Hunts a retention rule that takes files which a rollback or a running instance needs, or never takes any. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { versionRecord } from '../../../test/contract/records.ts';
import { removable } from './retention.ts';

const kept = (version: string, keptAtMs: number, removed = false) =>
  versionRecord(version, { keptAtMs, removed });
const NONE = new Set<string>();

suite('removable', () => {
  const five = [1, 2, 3, 4, 5].map((n) => kept(`v${n}`, n * 1_000));

  test('takes what is beyond the newest and older than the time, oldest first', () => {
    assert.deepEqual(removable(five, { versions: 2, forMs: 0 }, NONE, 10_000), ['v1', 'v2', 'v3']);
    assert.deepEqual(removable(five.toReversed(), { versions: 2, forMs: 0 }, NONE, 10_000), [
      'v1',
      'v2',
      'v3',
    ]);
  });

  test('keeps what is old but among the newest, and what is beyond them but young', () => {
    assert.deepEqual(removable(five, { versions: 5, forMs: 0 }, NONE, 1e12), []);
    assert.deepEqual(removable(five, { versions: 9, forMs: 0 }, NONE, 1e12), []);
    assert.deepEqual(removable(five, { versions: 0, forMs: 60_000 }, NONE, 10_000), []);
    assert.deepEqual(removable(five, { versions: 2, forMs: 8_000 }, NONE, 10_000), ['v1']);
  });

  test('keeps what is needed, however old', () => {
    assert.deepEqual(removable(five, { versions: 1, forMs: 0 }, new Set(['v1', 'v3']), 1e12), ['v2', 'v4']);
  });

  test('a version whose files went already neither goes again nor holds a place', () => {
    const versions = [kept('v1', 1_000), kept('v2', 2_000), kept('v3', 3_000, true)];
    assert.deepEqual(removable(versions, { versions: 1, forMs: 0 }, NONE, 1e12), ['v1']);
  });

  test('a clock that went back takes nothing', () => {
    assert.deepEqual(removable(five, { versions: 0, forMs: 0 }, NONE, 500), []);
  });

  test('property: enough stay, the needed stay, the young stay, and what goes is never newer than what could', () => {
    const version = fc.record({ keptAtMs: fc.nat(100), removed: fc.boolean(), needed: fc.boolean() });
    const keep = fc.record({ versions: fc.nat(5), forMs: fc.nat(100) });
    fc.assert(
      fc.property(fc.array(version, { maxLength: 12 }), keep, fc.nat(200), (drawn, rule, nowMs) => {
        const versions = drawn.map(({ keptAtMs, removed }, i) => kept(`v${i}`, keptAtMs, removed));
        const needed = new Set(drawn.flatMap((v, i) => (v.needed ? [`v${i}`] : [])));
        const gone = new Set(removable(versions, rule, needed, nowMs));
        const there = versions.filter((v) => !v.removed);
        const stays = there.filter((v) => !gone.has(v.version));
        assert.ok(stays.length >= Math.min(rule.versions, there.length));
        assert.ok(![...gone].some((v) => needed.has(v)));
        for (const v of versions) {
          if (!gone.has(v.version)) continue;
          assert.ok(!v.removed && nowMs - v.keptAtMs > rule.forMs);
          assert.ok(there.filter((w) => w.keptAtMs >= v.keptAtMs).length > rule.versions);
        }
        // Nothing stays without a reason: it is needed, young, or among the newest.
        for (const v of stays) {
          const newer = there.filter((w) => w.keptAtMs > v.keptAtMs).length;
          assert.ok(
            needed.has(v.version) || nowMs - v.keptAtMs <= rule.forMs || newer < rule.versions,
            v.version,
          );
        }
      }),
    );
  });
});

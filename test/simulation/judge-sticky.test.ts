/**
 * Hunts false alarms and false passes where clients stay where they are, by a cookie or by a hash of what they send:
 * those who fail everywhere and move to the candidate as its weight rises, one client that is most of the traffic,
 * and clients whose errors come late in their visit, counted by a sketch of their keys.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginEvidence, EvidenceBook } from '../../src/core/judge/evidence.ts';
import { judge, type JudgeRules } from '../../src/core/judge/judge.ts';
import { worthOf } from '../../src/core/judge/measure.ts';
import { type BadRequests, evidenceOfWorse } from '../../src/core/judge/ratio.ts';
import type { FailureEvent } from '../../src/core/traffic/counts.ts';
import { hashOf } from '../../src/core/traffic/hash.ts';
import { KeySketch } from '../../src/core/traffic/key-sketch.ts';
import { SLOTS } from '../../src/core/traffic/slots.ts';
import { Chance } from '../support/chance.ts';

const ALPHA = 0.01;
const NEEDED = Math.log(1 / ALPHA);

function share(paths: number, path: (chance: Chance) => boolean): number {
  let count = 0;
  for (let seed = 1; seed <= paths; seed += 1) if (path(new Chance(seed * 7919))) count += 1;
  return count;
}

/** Three standard deviations above the promise. */
const allowed = (paths: number, alpha: number) => paths * alpha + 3 * Math.sqrt(paths * alpha);

const WEIGHTS = [10, 30, 60];
/** Clients that fail whichever version they meet, each again under every weight. */
const FAILING = 80;

const failure = (version: string, percent: number, session: string): FailureEvent => ({
  ...{ service: 'web', version, group: version === 'v2' ? 'candidate' : 'stable', percent, rule: null },
  ...{ atMs: 0, instance: '', routing: 1, session, kind: 'status', status: 500 },
});

/** True when the candidate is blamed; `rowsOf` counts what came. */
function climbs(
  chance: Chance,
  rowsOf: () => (events: readonly FailureEvent[], weight: number) => BadRequests[],
) {
  const take = rowsOf();
  const slots = Array.from({ length: FAILING }, () => chance.below(SLOTS));
  for (const weight of WEIGHTS)
    for (let from = 0; from < FAILING; from += 10) {
      const events = slots.slice(from, from + 10).map((slot, at) => {
        const [version, percent] =
          slot < weight ? (['v2', weight] as const) : (['v1', SLOTS - weight] as const);
        return failure(version, percent, `${from + at}`);
      });
      if (evidenceOfWorse(take(events, weight), 1) >= NEEDED) return true;
    }
  return false;
}

function bookOf() {
  const book = new EvidenceBook(beginEvidence({ release: 'r2', service: 'web', from: 'v1', to: 'v2' }, []));
  return (failures: readonly FailureEvent[], weight: number): BadRequests[] => {
    book.expect({ candidate: weight, baseline: 0 });
    book.take({ rows: [], failures, sticky: true });
    return book.observed().release.map((row) => ({
      share: row.share,
      candidate: row.candidate.errors,
      stable: row.stable.errors,
    }));
  };
}

/** The first error on each side. */
function eachSide() {
  const rows = new Map<number, BadRequests>();
  const seen = new Set<string>();
  return (events: readonly FailureEvent[], weight: number): BadRequests[] => {
    for (const { version, session } of events) {
      if (seen.has(`${version} ${session}`)) continue;
      seen.add(`${version} ${session}`);
      const row = rows.get(weight) ?? { share: weight / SLOTS, candidate: 0, stable: 0 };
      const name = version === 'v2' ? 'candidate' : 'stable';
      rows.set(weight, { ...row, [name]: row[name] + 1 });
    }
    return [...rows.values()];
  };
}

test('clients that fail everywhere are not the candidate’s because a rising weight brings them to it', () => {
  const paths = 1_500;
  const counted = share(paths, (chance) => climbs(chance, bookOf));
  assert.ok(counted <= allowed(paths, ALPHA), `${counted} of ${paths}`);
  const naive = share(100, (chance) => climbs(chance, eachSide));
  assert.ok(naive > 50, `counting them on each side must be seen to fail: ${naive} of 100`);
});

test('one client that is most of the traffic is why latencies decide nothing where a hash keeps clients', () => {
  const side = () => ({ requests: 0, errors: 0, latency: [], assigned: 0 });
  const isAlarm = (chance: Chance): boolean => {
    const row = { share: 0.3, rule: null, candidate: side(), stable: side() };
    const slow = { share: 0.3, candidate: 0, stable: 0 };
    const largest = chance.unit() < row.share ? 'candidate' : 'stable';
    row[largest].assigned += 1;
    for (let client = 0; client < 400; client += 1) {
      const name = chance.unit() < row.share ? 'candidate' : 'stable';
      row[name].assigned += 1;
      row[name].requests += 5;
      if (chance.once(100)) slow[name] += 1;
      // A script that asks all day for what takes long, on whichever version.
      row[largest].requests += 5;
      slow[largest] += 5;
      const worth = worthOf([row]);
      const weighed = { ...slow, candidate: worth * slow.candidate, stable: worth * slow.stable };
      if (evidenceOfWorse([weighed], 1, 'common') >= NEEDED) return true;
    }
    return false;
  };
  const paths = 500;
  const blamed = share(paths, isAlarm);
  assert.ok(blamed > allowed(paths, ALPHA), `${blamed} of ${paths}: it could decide after all`);
});

const BOUND = 0.05;
const BETA = 0.05;
const RULES: JudgeRules = {
  ...{ falseAlarms: ALPHA, falsePasses: BETA },
  errors: { tolerate: 1.5, negligible: BOUND, max: null },
  latency: { tolerate: 2, quantiles: [], pastRequestsMin: 50, pastWindowsMin: 6, ceilings: [] },
};
const CLIENTS_PER_LOOK = 10;
const LOOKS = 40;
/** Looks from a client's first request to its error, on average. */
const ERROR_AFTER = 1.5;

/** When it passed; null: never. Of the candidate's clients so many fail, of stable's half as many. */
function passes(chance: Chance, failing: number): boolean {
  const sketch = new KeySketch();
  const side = () => ({ requests: 0, errors: 0, latency: [], assigned: 0 });
  const row = { share: 0.5, rule: null, candidate: side(), stable: side() };
  const due = { candidate: new Map<number, number>(), stable: new Map<number, number>() };
  for (let look = 0; look < LOOKS; look += 1) {
    for (const name of ['candidate', 'stable'] as const)
      for (let client = 0; client < CLIENTS_PER_LOOK; client += 1) {
        if (name === 'candidate') sketch.add(hashOf(`${look} ${client}`));
        row[name].requests += chance.triesUntil(1 / 8);
        if (chance.unit() >= (name === 'candidate' ? failing : failing / 2)) continue;
        const at = look + Math.floor(-Math.log1p(-chance.unit()) * ERROR_AFTER);
        due[name].set(at, (due[name].get(at) ?? 0) + 1);
      }
    for (const name of ['candidate', 'stable'] as const) row[name].errors += due[name].get(look) ?? 0;
    // As after a step's `for`, of a few visits.
    if (look < 8) continue;
    const seen = [{ ...row, candidate: { ...row.candidate, keys: sketch.text } }];
    if (judge(RULES, { release: seen, stage: seen, past: null }).verdict === 'better-or-same') return true;
  }
  return false;
}

test('by a hash, a candidate that fails more clients than it may is hardly ever passed', () => {
  const paths = 400;
  const passed = share(paths, (chance) => passes(chance, BOUND));
  assert.ok(passed <= allowed(paths, BETA), `${passed} of ${paths}`);
});

test('and one that fails hardly any of them goes on', () => {
  const paths = 100;
  const passed = share(paths, (chance) => passes(chance, BOUND / 20));
  assert.ok(passed >= 95, `${passed} of ${paths}`);
});

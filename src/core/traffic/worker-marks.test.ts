/**
 * Hunts a request that the judge counts twice or never when workers outlive their master, join the next one in parts,
 * or die with what they counted; when a gateway takes the place of another one; and marks or rows that pile up (T5).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { marksOf, grownSince } from '../judge/grown.ts';
import { limits } from '../limits.ts';
import type { AssignedCounts, TrafficReport } from './counts.ts';
import { EMPTY_REPORT, ReportBook } from './report-book.ts';
import { ASSIGNED, summedUp } from './row-kinds.ts';
import { countedBy, LONG_GONE, WorkerRows } from './worker-rows.ts';

const row = (requests: number, version = 'v1', worker?: string): AssignedCounts => ({
  ...{ service: 'web', version, group: null, percent: null, rule: null },
  ...{ answered: [requests, 0, 0, 0], failed: 0, abandoned: 0, retried: 0 },
  ...{ latency: requests > 0 ? [7, requests] : [], latencySumMs: 0, decisions: requests },
  ...(worker === undefined ? {} : { worker }),
});

/** Masters and workers of one project after the other, as control hears of them. */
class Gateways {
  /** By worker, what it counted. */
  readonly living = new Map<string, number>();
  #master = new ReportBook();
  #joined = new Set<string>();
  #started = 0;
  total = 0;

  count(worker: number, requests: number): void {
    const id = [...this.living.keys()][worker % Math.max(1, this.living.size)];
    if (id === undefined) return;
    this.living.set(id, (this.living.get(id) ?? 0) + requests);
    this.total += requests;
    if (this.#joined.has(id)) this.#say(id, false);
  }

  start(): void {
    this.#started += 1;
    this.living.set(`w${this.#started}`, 0);
    this.join();
  }

  /** The next one that is missing. */
  join(): boolean {
    const id = [...this.living.keys()].find((each) => !this.#joined.has(each));
    if (id === undefined) return false;
    this.#joined.add(id);
    this.#say(id, true);
    return true;
  }

  #say(id: string, whole: boolean): void {
    const report: TrafficReport = { ...EMPTY_REPORT, whole, assigned: [row(this.living.get(id) ?? 0)] };
    this.#master.take(id, countedBy(id, report));
  }

  /** One that has said all that it counted. */
  kill(worker: number): void {
    const id = [...this.#joined][worker % Math.max(1, this.#joined.size)];
    if (id === undefined) return;
    this.living.delete(id);
    this.#joined.delete(id);
    this.#master.bury(id);
  }

  masterDies(): void {
    this.#master = new ReportBook();
    this.#joined = new Set();
  }

  upgrade(): void {
    const before = this.#master.departed();
    this.masterDies();
    this.#master.inherit(before);
  }

  allDie(): void {
    this.living.clear();
    this.masterDies();
  }

  report(): TrafficReport {
    const isComplete = this.#joined.size === this.living.size;
    return { ...this.#master.whole(), workers: isComplete ? this.#master.workers : null };
  }
}

const requestsOf = (rows: readonly AssignedCounts[]) =>
  rows.reduce((sum, { answered }) => sum + answered[0], 0);

test('property: whoever dies, joins late or is followed, every request that was told is counted once', () => {
  const does = ['count', 'count', 'count', 'start', 'join', 'kill', 'master dies', 'upgrade', 'all die'];
  const step = fc.record({
    does: fc.constantFrom(...does, 'control dies', 'both die', 'control is away'),
    worker: fc.nat(3),
    requests: fc.nat(9),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const gateways = new Gateways();
      let plane = new ReportBook();
      let marks = marksOf([]);
      let counted = 0;
      const take = () => {
        plane.take('gateway', gateways.report());
        const { assigned, workers } = plane.whole();
        for (const { row: now, before } of marks.take(assigned, workers !== null))
          counted += grownSince(before, now).requests;
      };
      gateways.start();
      for (const { does: what, worker, requests } of steps) {
        if (what === 'count') gateways.count(worker, requests);
        else if (what === 'start') gateways.start();
        else if (what === 'join') gateways.join();
        else if (what === 'kill') gateways.kill(worker);
        // What nobody has told control dies with whoever could: it is told here until then.
        else if (what === 'control is away') {
          gateways.count(worker, requests);
          gateways.kill(worker);
          gateways.start();
        } else {
          while (gateways.join()) take();
          take();
          if (what === 'master dies' || what === 'both die') gateways.masterDies();
          if (what === 'upgrade') gateways.upgrade();
          if (what === 'all die') gateways.allDie();
          if (what === 'control dies' || what === 'both die')
            [plane, marks] = [new ReportBook(), marksOf(JSON.parse(JSON.stringify(marks.values())))];
        }
        if (what !== 'control is away') take();
        assert.ok(counted <= gateways.total, `${counted} of ${gateways.total} after ${what}`);
      }
      while (gateways.join()) take();
      take();
      assert.equal(counted, gateways.total);
      const rows = plane.whole().assigned;
      assert.ok(marks.values().length <= rows.length, 'a mark of nobody is kept');
    }),
    { numRuns: 500 },
  );
});

test('marks of a gateway that told sums are taken over once all of its workers are there', () => {
  const marks = marksOf([row(100)]);
  const told = [row(60, 'v1', 'a'), row(5, 'v1', 'c'), row(10, 'v1', LONG_GONE)];
  assert.deepEqual(marks.take(told, false), [], 'one is missing yet');
  const [grown, ...more] = marks.take([...told, row(40, 'v1', 'b')], true);
  assert.deepEqual([more.length, grown && grownSince(grown.before, grown.row).requests], [0, 15]);
  const next = marks.take([...told, row(41, 'v1', 'b')], true);
  assert.deepEqual(
    next.map((each) => grownSince(each.before, each.row).requests),
    [1],
  );
});

test('a sum of less than is marked says nothing of what is new', () => {
  const marks = marksOf([row(100)]);
  assert.deepEqual(marks.take([row(60, 'v1', 'a')], true), []);
  assert.equal(marks.take([row(61, 'v1', 'a')], true).length, 1);
});

test('a gateway that never says who is gone has a bounded number of marks', () => {
  const marks = marksOf([]);
  const { marksOfSumsMax } = limits.gateway;
  for (let at = 0; at < 3 * marksOfSumsMax; at += 1) marks.take([row(1, `v${at}`)], false);
  assert.ok(marks.values().length <= marksOfSumsMax + 1);
});

test('workers that are gone are told apart up to a bound, and are in the sum for good', () => {
  const book = new ReportBook();
  const { goneWorkersMax } = limits.gateway;
  const dead = goneWorkersMax + 10;
  const marks = marksOf([]);
  let counted = 0;
  for (let at = 1; at <= dead; at += 1) {
    const report = { ...EMPTY_REPORT, whole: false, assigned: [row(1)] };
    book.take(`w${at}`, countedBy(`w${at}`, report));
    book.bury(`w${at}`);
    for (const grown of marks.take(book.whole().assigned, true))
      counted += grownSince(grown.before, grown.row).requests;
  }
  assert.equal(counted, dead, 'what is in the sum only is no news');
  const { assigned } = book.whole();
  assert.equal(assigned.length, goneWorkersMax + 1);
  assert.equal(requestsOf(assigned), dead);
  assert.deepEqual(requestsOf(summedUp(book.whole()).assigned), dead);
  const after = new ReportBook();
  after.inherit(book.departed());
  assert.equal(requestsOf(after.whole().assigned), dead);
  assert.deepEqual(new Set(after.workers), new Set(book.workers));
});

test('rows that a worker gave up long ago go, those that it still counts stay', () => {
  const rows = new WorkerRows(ASSIGNED);
  const most = 2 * limits.gateway.assignedRowsMax;
  for (let at = 0; at < 2 * most; at += 1) {
    rows.put(row(at, 'kept', 'w'));
    rows.put(row(1, `v${at}`, 'w'));
    rows.put(row(1, `v${at}`, 'another'));
  }
  assert.equal(rows.all().length, 2 * most);
  assert.ok(rows.all().some(({ version }) => version === 'kept'));
});

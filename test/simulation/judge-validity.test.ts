/**
 * Hunts false alarms: a judge that is asked after every bad request, or every few good ones, on healthy releases
 * must stay below the rate that was promised, whatever the weights do meanwhile. Ten thousand seeded releases each.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evidenceOfMismatch } from '../../src/core/judge/assignment.ts';
import { worthOf } from '../../src/core/judge/measure.ts';
import { evidenceOfAbove, evidenceOfBelow, type Rate, rateInterval } from '../../src/core/judge/rate.ts';
import { evidenceOfBetter, evidenceOfWorse, ratioInterval } from '../../src/core/judge/ratio.ts';
import { Chance } from '../support/chance.ts';

const PATHS = 10_000;
const ALPHA = 0.01;
const NEEDED = Math.log(1 / ALPHA);

/** How many paths ever say yes; each is asked after every step, with the chance that belongs to it. */
function alarms(path: (chance: Chance) => boolean, paths: number = PATHS): number {
  let count = 0;
  for (let seed = 1; seed <= paths; seed += 1) if (path(new Chance(seed * 7919))) count += 1;
  return count;
}

/** Three standard deviations above the promise. */
const allowed = (paths: number, alpha: number) => paths * alpha + 3 * Math.sqrt(paths * alpha);

/** Steps of a release; the share changes twice on the way, at a moment that may depend on what was seen. */
function shareAt(step: number, candidate: number): number {
  if (step < 40 && candidate < 5) return 0.02;
  return step < 120 ? 0.2 : 0.5;
}

/** Bad requests one by one; `ratio` is the true one. Asks `verdict` after each. */
function badRequests(
  chance: Chance,
  { ratio, steps }: { ratio: number; steps: number },
  verdict: (rows: readonly { share: number; candidate: number; stable: number }[]) => boolean,
): boolean {
  const rows = new Map<number, { share: number; candidate: number; stable: number }>();
  let seen = 0;
  for (let step = 0; step < steps; step += 1) {
    const share = shareAt(step, seen);
    let row = rows.get(share);
    if (!row) rows.set(share, (row = { share, candidate: 0, stable: 0 }));
    const odds = share * ratio;
    if (chance.unit() < odds / (odds + 1 - share)) {
      row.candidate += 1;
      seen += 1;
    } else row.stable += 1;
    if (verdict([...rows.values()])) return true;
  }
  return false;
}

for (const tolerance of [1, 1.5]) {
  for (const frequency of ['rare', 'common'] as const)
    test(`a candidate exactly ${tolerance} times as bad is not said to be worse, what is bad being ${frequency}`, () => {
      const worst = alarms((chance) =>
        badRequests(
          chance,
          { ratio: tolerance, steps: 200 },
          (rows) => evidenceOfWorse(rows, tolerance, frequency) >= NEEDED,
        ),
      );
      assert.ok(worst <= allowed(PATHS, ALPHA), `${worst} of ${PATHS}`);
      assert.ok(worst > 0, 'one that never speaks proves nothing here');
    });

  test(`nor said to be better when it is ${tolerance} times as bad`, () => {
    const worst = alarms((chance) =>
      badRequests(
        chance,
        { ratio: tolerance, steps: 200 },
        (rows) => evidenceOfBetter(rows, tolerance) >= NEEDED,
      ),
    );
    assert.ok(worst <= allowed(PATHS, ALPHA), `${worst} of ${PATHS}`);
    assert.ok(worst > 0, 'one that never speaks proves nothing here');
  });
}

test('a sticky visitor who meets the same error again and again counts once', () => {
  const visits = (chance: Chance, firstOnly: boolean): boolean => {
    const row = { share: 0.1, candidate: 0, stable: 0 };
    for (let visitor = 0; visitor < 120; visitor += 1) {
      const errors = firstOnly ? 1 : 10;
      if (chance.unit() < row.share) row.candidate += errors;
      else row.stable += errors;
      if (evidenceOfWorse([row], 1) >= NEEDED) return true;
    }
    return false;
  };
  const counted = alarms((chance) => visits(chance, true));
  assert.ok(counted <= allowed(PATHS, ALPHA), `${counted} of ${PATHS}`);
  const naive = alarms((chance) => visits(chance, false), 1000);
  assert.ok(naive > 100, `counting every error must be seen to fail: ${naive} of 1000`);
});

test('a sticky visitor who finds everything slow is one visitor, however many pages that are', () => {
  const side = () => ({ requests: 0, errors: 0, latency: [], assigned: 0 });
  const isAlarm = (chance: Chance, isWeighed: boolean): boolean => {
    const row = { share: 0.1, rule: null, candidate: side(), stable: side() };
    const slow = { share: 0.1, candidate: 0, stable: 0 };
    for (let visitor = 0; visitor < 800; visitor += 1) {
      const name = chance.unit() < row.share ? 'candidate' : 'stable';
      const pages = chance.triesUntil(1 / 8);
      row[name].assigned += 1;
      row[name].requests += pages;
      if (!chance.once(10)) continue;
      slow[name] += pages;
      const worth = isWeighed ? worthOf([row]) : 1;
      const weighed = { ...slow, candidate: worth * slow.candidate, stable: worth * slow.stable };
      if (evidenceOfWorse([weighed], 1, 'common') >= NEEDED) return true;
    }
    return false;
  };
  const weighed = alarms((chance) => isAlarm(chance, true));
  assert.ok(weighed <= allowed(PATHS, ALPHA), `${weighed} of ${PATHS}`);
  const naive = alarms((chance) => isAlarm(chance, false), 1000);
  assert.ok(naive > 100, `counting every page must be seen to fail: ${naive} of 1000`);
});

test('a rate at its bound is neither above nor below it', () => {
  const commonAbove = (rate: Rate, bound: number) => evidenceOfAbove(rate, bound, 'common');
  for (const bound of [0.005, 0.1]) {
    for (const evidence of [evidenceOfAbove, evidenceOfBelow, commonAbove]) {
      const worst = alarms((chance) => {
        let requests = 0;
        for (let bad = 1; bad <= 60; bad += 1) {
          const more = chance.triesUntil(bound);
          // Evidence of "below" is at its highest just before the next bad one.
          if (evidence({ bad: bad - 1, requests: requests + more - 1 }, bound) >= NEEDED) return true;
          requests += more;
          if (evidence({ bad, requests }, bound) >= NEEDED) return true;
        }
        return false;
      });
      assert.ok(worst <= allowed(PATHS, ALPHA), `${evidence.name} ${bound}: ${worst} of ${PATHS}`);
      assert.ok(worst > 0, `${evidence.name} ${bound} never speaks`);
    }
  }
});

test('intervals that are looked at all the time hold the truth', () => {
  const paths = 1000;
  const alpha = 0.05;
  const missedRates = alarms((chance) => {
    let bad = 0;
    for (let requests = 1; requests <= 300; requests += 1) {
      if (chance.unit() < 0.1) bad += 1;
      const { from, to } = rateInterval({ bad, requests }, alpha);
      if (from > 0.1 || to < 0.1) return true;
    }
    return false;
  }, paths);
  assert.ok(missedRates <= allowed(paths, alpha), `${missedRates} of ${paths}`);
  const missedRatios = alarms(
    (chance) =>
      badRequests(chance, { ratio: 2, steps: 80 }, (rows) => {
        const { from, to } = ratioInterval(rows, alpha);
        return from > 2 || to < 2;
      }),
    paths,
  );
  assert.ok(missedRatios <= allowed(paths, alpha), `${missedRatios} of ${paths}`);
});

test('a random split that follows its weight is not doubted', () => {
  const doubted = alarms((chance) => {
    const rows = [
      { share: 0.02, candidate: 0, stable: 0 },
      { share: 0.3, candidate: 0, stable: 0 },
    ];
    for (const row of rows) {
      for (let request = 0; request < 150; request += 1) {
        if (chance.unit() < row.share) row.candidate += 1;
        else row.stable += 1;
        if (evidenceOfMismatch(rows) >= NEEDED) return true;
      }
    }
    return false;
  });
  assert.ok(doubted <= allowed(PATHS, ALPHA), `${doubted} of ${PATHS}`);
});

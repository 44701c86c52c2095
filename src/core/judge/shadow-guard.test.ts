/**
 * Hunts copies that are blamed for what breaks their originals too, alarms above the rate that was set where the two
 * of a pair break together, and copies of an earlier stage that speak for the next one.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chance } from '../../../test/support/chance.ts';
import { noShadows, type ShadowCounts } from '../traffic/shadow.ts';
import { ShadowGuard } from './shadow-guard.ts';

const RULES = { tolerate: 1.5, negligible: 0.005 };
const LEVEL = { falseAlarms: 0.01, falsePasses: 0.05 };

type Counts = Partial<Omit<ShadowCounts, 'service' | 'version'>>;
const counted = (some: Counts): ShadowCounts => ({ ...noShadows('web', 'v2'), ...some });

function newGuard(): ShadowGuard {
  const guard = new ShadowGuard(RULES, LEVEL);
  guard.take(counted({}));
  guard.beginStage(true);
  return guard;
}

const wordOf = (guard: ShadowGuard) => guard.findings()[0]?.verdict;

/** Pairs in which either side may break alone, or both together. */
interface Law {
  readonly copy: number;
  readonly original: number;
  readonly both: number;
}

/** After how many pairs it speaks; null: not at all. */
function looked(law: Law, pairs: number, seed: number): { worseAt: number | null; sameAt: number | null } {
  const chance = new Chance(seed);
  const guard = newGuard();
  const sum = { compared: 0, copyErrors: 0, originalErrors: 0 };
  for (let at = 1; at <= pairs; at += 1) {
    const drawn = chance.unit();
    const both = drawn < law.both;
    sum.compared += 1;
    if (both || drawn < law.both + law.copy) sum.copyErrors += 1;
    if (both || (drawn >= law.both + law.copy && drawn < law.both + law.copy + law.original))
      sum.originalErrors += 1;
    guard.take(counted(sum));
    const word = wordOf(guard);
    if (word === 'worse') return { worseAt: at, sameAt: null };
    if (word === 'better-or-same') return { worseAt: null, sameAt: at };
  }
  return { worseAt: null, sameAt: null };
}

test('one that fails copies is found soon, one that is alike is not worse, and what breaks both breaks neither', () => {
  const { worseAt } = looked({ copy: 1, original: 0, both: 0 }, 100, 1);
  assert.ok(worseAt !== null && worseAt < 25, `${worseAt}`);
  const { sameAt } = looked({ copy: 0, original: 0, both: 0 }, 5_000, 1);
  assert.ok(sameAt !== null && sameAt < 1_500, `${sameAt}`);
  assert.deepEqual(looked({ copy: 0, original: 0, both: 1 }, 500, 1).worseAt, null);
});

test('alarms stay within their rate, looked at after every pair, however the two of a pair hang together', () => {
  const laws: readonly Law[] = [
    { copy: 0.05, original: 0.05, both: 0 },
    { copy: 0.06, original: 0.04, both: 0 },
    { copy: 0.05, original: 0, both: 0.1 },
    { copy: 0.15, original: 0, both: 0.3 },
  ];
  const runs = 300;
  for (const [at, law] of laws.entries()) {
    assert.ok(law.copy + law.both <= 1.5 * (law.original + law.both) + 1e-9, 'it is no worse than tolerated');
    let alarms = 0;
    for (let seed = 0; seed < runs; seed += 1)
      if (looked(law, 600, 1_000 * at + seed).worseAt !== null) alarms += 1;
    // Of 300 runs at 1%, more than 10 come with a chance of less than one in a thousand.
    assert.ok(alarms <= 10, `${alarms} of ${runs} for ${JSON.stringify(law)}`);
  }
});

test('passes stay within their rate where the candidate is worse than tolerated', () => {
  const runs = 300;
  for (const [at, both] of [0, 0.02].entries()) {
    let passes = 0;
    for (let seed = 0; seed < runs; seed += 1)
      if (looked({ copy: 0.02 + both / 2, original: 0.0133, both }, 800, 5_000 * at + seed).sameAt !== null)
        passes += 1;
    assert.ok(passes <= 28, `${passes} of ${runs} with ${both} together`);
  }
});

test("what was counted before is nobody's, a gateway that begins anew loses nothing, and each stage earns its own", () => {
  const guard = new ShadowGuard(RULES, LEVEL);
  guard.take(counted({ compared: 500, copyErrors: 500 }));
  guard.beginStage(true);
  assert.equal(guard.findings()[0]?.proof, 'no copy was compared yet');
  guard.take(counted({ compared: 2_000, copyErrors: 500, slower: 3, otherBody: 1 }));
  assert.deepEqual(guard.findings(), [
    {
      ...{ guard: 'shadow', verdict: 'better-or-same', role: 'voucher' },
      worse: guard.findings()[0]?.worse,
      proof: '0 of 1,500 copies failed, 0 of their originals, 1 with another body, 3 slower',
    },
  ]);
  guard.beginStage(false);
  // Late ones say nothing for a stage without copies, however many they are.
  guard.take(counted({ compared: 4_000, copyErrors: 500 }));
  assert.deepEqual([wordOf(guard), guard.findings()[0]?.role], ['not-enough-evidence', 'alarm']);
  guard.take(counted({ compared: 40, copyErrors: 40 }));
  assert.match(guard.findings()[0]?.proof ?? '', /^40 of 3,540 copies failed/);
  assert.equal(wordOf(guard), 'worse');
});

/**
 * Hunts false alarms of the judge as a whole: each guard may keep its own promise while all of them together break
 * the release's. Healthy releases, errors and three latencies with a past, a ceiling, shares that change on the way
 * and a bake without anybody beside it, asked all the time.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge, type JudgeRules } from '../../src/core/judge/judge.ts';
import type { Measure } from '../../src/core/judge/measure.ts';
import type { Observation, Past } from '../../src/core/judge/observed.ts';
import { againstPast } from '../../src/core/judge/past.ts';
import { Chance } from '../support/chance.ts';

const FALSE_ALARMS = 0.05;
/** Three standard deviations above the promise. */
const allowed = (paths: number, alpha: number) => paths * alpha + 3 * Math.sqrt(paths * alpha);

const QUANTILES = [0.5, 0.95, 0.99];
const RULES: JudgeRules = {
  falseAlarms: FALSE_ALARMS,
  falsePasses: 0.05,
  errors: { tolerate: 1, negligible: 0.001, max: 0.02 },
  latency: { tolerate: 1, quantiles: QUANTILES, pastRequestsMin: 20, pastWindowsMin: 1, ceilings: [] },
};

const ERRORS = 0.02;
/** Shares of the latency classes, which end where the quantiles are. */
const CLASSES = [0.5, 0.45, 0.04, 0.01];
const BUCKETS = [100, 150, 180, 200];

interface Counts {
  requests: number;
  errors: number;
  readonly classes: number[];
}

const nothing = (): Counts => ({ requests: 0, errors: 0, classes: [0, 0, 0, 0] });

function serve(counts: Counts, requests: number, trouble: number, chance: Chance): void {
  for (let i = 0; i < requests; i += 1) {
    counts.requests += 1;
    if (chance.unit() < ERRORS * trouble) counts.errors += 1;
    let left = chance.unit();
    const at = CLASSES.findIndex((share) => (left -= share) < 0);
    counts.classes[at] = (counts.classes[at] ?? 0) + 1;
  }
}

const latencyOf = ({ classes }: Counts) => BUCKETS.flatMap((bucket, at) => [bucket, classes[at] ?? 0]);
const sideOf = (counts: Counts) => ({
  requests: counts.requests,
  errors: counts.errors,
  latency: latencyOf(counts),
  assigned: counts.requests,
});

function pastOf(chance: Chance): Past {
  const windows = Array.from({ length: 4 }, () => {
    const counts = nothing();
    serve(counts, 1500, 1, chance);
    return { requests: counts.requests, errors: counts.errors, latency: latencyOf(counts) };
  });
  return { windows };
}

/** The last stage is the bake. */
const STAGES = [0.05, 0.3, 1];
const LOOKS_A_STAGE = 15;
const REQUESTS_A_LOOK = 60;

/** True when it is taken back; `troubleAt`: what both sides suffer at a look. */
function isTakenBack(chance: Chance, troubleAt: (look: number) => number, rules: JudgeRules): boolean {
  const past = pastOf(chance);
  const rows = STAGES.map((share) => ({ share, candidate: nothing(), stable: nothing() }));
  for (let look = 0; look < STAGES.length * LOOKS_A_STAGE; look += 1) {
    const row = rows[Math.floor(look / LOOKS_A_STAGE)];
    if (!row) return false;
    for (let i = 0; i < REQUESTS_A_LOOK; i += 1)
      serve(chance.unit() < row.share ? row.candidate : row.stable, 1, troubleAt(look), chance);
    const release: Observation[] = rows.map(({ share, candidate, stable }) => ({
      share,
      rule: null,
      candidate: sideOf(candidate),
      stable: sideOf(stable),
    }));
    if (judge(rules, { release, stage: release, past }).verdict === 'worse') return true;
  }
  return false;
}

function takenBack(paths: number, troubleAt: (look: number) => number, rules: JudgeRules = RULES): number {
  let count = 0;
  for (let seed = 1; seed <= paths; seed += 1)
    if (isTakenBack(new Chance(seed * 7907), troubleAt, rules)) count += 1;
  return count;
}

test('with every guard on, no more healthy releases are taken back than were allowed', () => {
  const paths = 600;
  const alarms = takenBack(paths, () => 1);
  assert.ok(alarms <= allowed(paths, FALSE_ALARMS), `${alarms} of ${paths}`);
  assert.ok(alarms > 0, 'a judge that never speaks proves nothing here');
});

test('an incident that both sides suffer from is no alarm either, while stable is there to show it', () => {
  const paths = 200;
  const withoutCeiling = { ...RULES, errors: { ...RULES.errors, max: null } };
  const alarms = takenBack(paths, (look) => (look >= 18 && look < 28 ? 8 : 1), withoutCeiling);
  assert.ok(alarms <= allowed(paths, FALSE_ALARMS), `${alarms} of ${paths}`);
});

test('the guard against the past keeps to its own share, whatever past it happened to have', () => {
  const paths = 10_000;
  const alpha = 0.01;
  const rate = 0.01;
  let alarms = 0;
  for (let seed = 1; seed <= paths; seed += 1) {
    const chance = new Chance(seed * 6133);
    const bad = (requests: number) => {
      let count = 0;
      for (let at = chance.triesUntil(rate); at <= requests; at += chance.triesUntil(rate)) count += 1;
      return count;
    };
    const measure: Measure = {
      guard: 'errors',
      counts: 'errors',
      binds: true,
      alpha,
      frequency: 'rare',
      tolerate: 1,
      negligible: null,
      of: ({ errors, requests }) => ({ bad: errors, requests }),
      worth: () => 1,
      past: Array.from({ length: 3 }, () => ({ requests: 2000, bad: bad(2000) })),
    };
    const candidate = { requests: 0, errors: 0, latency: [], assigned: 0 };
    const stable = { requests: 0, errors: 0, latency: [], assigned: 0 };
    for (let look = 0; look < 15; look += 1) {
      candidate.requests += chance.triesUntil(rate);
      candidate.errors += 1;
      const [ask] = againstPast(measure, alpha);
      const release = [{ share: 1, rule: null, candidate, stable }];
      if (ask?.({ release, stage: [] }).verdict !== 'worse') continue;
      alarms += 1;
      break;
    }
  }
  assert.ok(alarms <= allowed(paths, alpha), `${alarms} of ${paths}`);
});

/**
 * Healthy releases under every guard that there is at once: errors and latencies with a past, two outside metrics,
 * what instances use, restarts, probes and copies, each as bad as it is still allowed to be; through three stages, and
 * through controls that are killed on the way and leave what was written down.
 */
import type { Chance } from '../../test/support/chance.ts';
import { budgetOf } from '../../src/core/judge/budget.ts';
import type { GuardChoices, MetricChoice } from '../../src/core/judge/guard-choices.ts';
import { Judge, type JudgeRules } from '../../src/core/judge/judge.ts';
import { MetricGuard } from '../../src/core/judge/metric-guard.ts';
import type { Observation, Past } from '../../src/core/judge/observed.ts';
import { ProbeGuard } from '../../src/core/judge/probe-guard.ts';
import { type InstanceUsage, SaturationGuard } from '../../src/core/judge/saturation-guard.ts';
import { ShadowGuard } from '../../src/core/judge/shadow-guard.ts';
import type { GuardFinding } from '../../src/core/judge/verdict.ts';
import { noShadows } from '../../src/core/traffic/shadow.ts';
import { poisson } from './draws.ts';

const MB = 1024 ** 2;
const LOOK_MS = 10_000;
/** Shares of the candidate; 0: copies only. */
const STAGES = [0, 0.1, 0.5] as const;
const LOOKS_A_STAGE = 20;
const REQUESTS_A_LOOK = 300;
const KILLED_EVERY = 20;

const ERRORS = 0.01;
/** Shares of the latency classes, which end where the quantiles are. */
const CLASSES = [0.5, 0.45, 0.04, 0.01];
const BUCKETS = [100, 150, 180, 200];
const INSTANCES = 4;
const PROBES_A_LOOK = 10;
const COPIES_A_LOOK = 30;
const FAILING = 0.03;

const METRIC: MetricChoice = {
  origin: { type: 'json', url: 'http://localhost/', value: ['n'], headers: {} },
  ...{ everyMs: LOOK_MS, timeoutMs: 1_000, overMs: 0 },
  rule: { type: 'compare', tolerate: 1, worse: 'higher', negligible: 0 },
};
const SATURATION = {
  ...{ everyMs: LOOK_MS, warmupMs: 0, cpu: 1, memory: 1, delay: 1 },
  // Of one instance so many are let go here: this is about how many end.
  ...{ memoryMaxBytes: null, growthBytesPerHour: 50 * MB, restarts: 1_000 },
};
const CHOICES: GuardChoices = {
  metrics: { one: METRIC, other: METRIC },
  saturation: SATURATION,
  probes: { requests: [], perSecond: 1, promote: false },
};
const PROBE_RULES = { tolerateErrors: 1, tolerateLatency: 1, negligible: 0, promote: false };
/** As often as stable's is tolerated twice. */
const ENDING = { candidate: 0.02, stable: 0.01 } as const;

const rulesOf = (falseAlarms: number): JudgeRules => ({
  ...{ falseAlarms, falsePasses: 0.05 },
  errors: { tolerate: 1, negligible: 0.001, max: null },
  latency: {
    tolerate: 1,
    quantiles: [0.5, 0.95, 0.99],
    pastRequestsMin: 20,
    pastWindowsMin: 1,
    ceilings: [],
  },
});

interface Guards {
  readonly metrics: readonly MetricGuard[];
  readonly saturation: SaturationGuard;
  readonly probes: ProbeGuard;
  readonly shadow: ShadowGuard;
}

/** The first guard that takes the release back; null: none. */
export function alarmOf(chance: Chance, falseAlarms: number): string | null {
  const budget = budgetOf(falseAlarms, CHOICES, true);
  const judge = new Judge(rulesOf(budget.requests), pastOf(chance));
  const world = new World(chance);
  let guards = guardsOf(budget.each, null, 0);
  for (let look = 0; look < STAGES.length * LOOKS_A_STAGE; look += 1) {
    const stage = Math.floor(look / LOOKS_A_STAGE);
    if (chance.once(KILLED_EVERY)) guards = guardsOf(budget.each, guards, look * LOOK_MS);
    world.pass(stage, guards, look * LOOK_MS);
    const release = world.observed;
    if (judge.verdict({ release, stage: release.slice(-1) }).verdict === 'worse') return 'requests';
    const found = findingsOf(guards, look * LOOK_MS).find(({ verdict }) => verdict === 'worse');
    if (found) return found.guard;
  }
  return null;
}

function findingsOf({ metrics, saturation, probes, shadow }: Guards, atMs: number): GuardFinding[] {
  return [
    ...metrics.map((metric) => metric.finding(atMs)),
    ...saturation.findings(),
    ...probes.findings(),
    ...shadow.findings(),
  ];
}

/** `before`: what a killed control leaves of them. */
function guardsOf(falseAlarms: number, before: Guards | null, atMs: number): Guards {
  const level = { falseAlarms, falsePasses: 0.05 };
  const metrics = [0, 1].map((at) => {
    const left = before ? written(before.metrics[at]?.gathered ?? null) : null;
    return new MetricGuard('x', METRIC, level, { atMs, before: left });
  });
  const used = before && written(before.saturation.gathered);
  const shadow = new ShadowGuard(
    { tolerate: 1, negligible: 0 },
    level,
    before && written(before.shadow.gathered),
  );
  shadow.goOn(true);
  return {
    metrics,
    saturation: new SaturationGuard(SATURATION, falseAlarms, { before: used, atMs }),
    probes: new ProbeGuard(PROBE_RULES, level, before && written(before.probes.gathered)),
    shadow,
  };
}

const written = <T>(gathered: T): T => JSON.parse(JSON.stringify(gathered));

function pastOf(chance: Chance): Past {
  const windows = Array.from({ length: 4 }, () => drawn(chance, 1_500));
  return { windows };
}

/** Requests of one side. */
function drawn(chance: Chance, mean: number) {
  const counts = CLASSES.map((share) => poisson(chance, mean * share));
  const requests = counts.reduce((sum, count) => sum + count, 0);
  const errors = Math.min(requests, poisson(chance, mean * ERRORS));
  return { requests, errors, latency: BUCKETS.flatMap((bucket, at) => [bucket, counts[at] ?? 0]) };
}

type Drawn = ReturnType<typeof drawn>;
type Name = 'candidate' | 'stable';

/** Everything that both sides do, by one law. */
class World {
  readonly #chance: Chance;
  readonly #rows = new Map<number, Record<Name, Drawn>>();
  readonly #used: Record<Name, readonly InstanceUsage[]> = { candidate: fresh('new'), stable: fresh('old') };
  readonly #ended = new Map<string, number>();
  #copies = { ...noShadows('web', 'v2'), compared: 0, copyErrors: 0, originalErrors: 0 };

  constructor(chance: Chance) {
    this.#chance = chance;
  }

  get observed(): Observation[] {
    const sideOf = (side: Drawn) => ({ ...side, assigned: side.requests });
    return [...this.#rows].map(([share, { candidate, stable }]) => ({
      ...{ share, rule: null },
      ...{ candidate: sideOf(candidate), stable: sideOf(stable) },
    }));
  }

  pass(stage: number, { metrics, saturation, probes, shadow }: Guards, atMs: number): void {
    const chance = this.#chance;
    const share = STAGES[stage] ?? 0;
    if (share > 0) this.#serve(share);
    else shadow.take(this.#copied());
    for (const metric of metrics) metric.take({ atMs, candidate: this.#noise(), stable: this.#noise() });
    for (let probe = 0; probe < PROBES_A_LOOK; probe += 1) {
      const side = chance.unit() < 0.5 ? 'candidate' : 'stable';
      probes.take({ side, passed: chance.unit() >= FAILING, tookMs: this.#noise() }, '');
    }
    for (const name of ['candidate', 'stable'] as const) this.#used[name] = this.#use(name);
    saturation.take({ atMs, ...this.#used });
    const restartsOf = (name: Name) =>
      this.#used[name].map(({ id }) => ({ id, restarts: this.#ended.get(id) ?? 0 }));
    saturation.takeRestarts({ candidate: restartsOf('candidate'), stable: restartsOf('stable') });
  }

  #noise(): number {
    return Math.exp(this.#chance.unit() + this.#chance.unit());
  }

  #serve(share: number): void {
    const [candidate, stable] = [share, 1 - share].map((part) => drawn(this.#chance, REQUESTS_A_LOOK * part));
    const before = this.#rows.get(share);
    if (!candidate || !stable) return;
    this.#rows.set(share, {
      candidate: together(before?.candidate, candidate),
      stable: together(before?.stable, stable),
    });
  }

  #copied() {
    const failed = () => poisson(this.#chance, COPIES_A_LOOK * FAILING);
    const { compared, copyErrors, originalErrors } = this.#copies;
    this.#copies = {
      ...this.#copies,
      compared: compared + COPIES_A_LOOK,
      copyErrors: copyErrors + failed(),
      originalErrors: originalErrors + failed(),
    };
    return this.#copies;
  }

  #use(name: Name): InstanceUsage[] {
    return this.#used[name].map(({ id, cpuMs, requests, checks }) => {
      if (this.#chance.unit() < ENDING[name]) this.#ended.set(id, (this.#ended.get(id) ?? 0) + 1);
      return {
        id,
        cpuMs: cpuMs + 20_000 * this.#noise(),
        rssBytes: 1_000 * MB * (1 + 0.2 * this.#chance.unit()),
        requests: (requests ?? 0) + 100,
        checks: { count: checks.count + 1, tookMs: checks.tookMs + 2_000 * this.#noise() },
      };
    });
  }
}

const fresh = (name: string): InstanceUsage[] =>
  Array.from({ length: INSTANCES }, (_, at) => ({
    id: `${name}-${at + 1}`,
    ...{ cpuMs: 0, rssBytes: 1_000 * MB, requests: 0, checks: { count: 0, tookMs: 0 } },
  }));

function together(a: Drawn | undefined, b: Drawn): Drawn {
  if (!a) return b;
  return {
    requests: a.requests + b.requests,
    errors: a.errors + b.errors,
    latency: a.latency.map((value, at) => (at % 2 === 0 ? value : value + (b.latency[at] ?? 0))),
  };
}

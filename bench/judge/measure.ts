/** Many releases of one kind, each given to every rule. */
import type { JudgeRules } from '../../src/core/judge/judge.ts';
import { waldBound } from '../../src/core/judge/rate.ts';
import { Chance } from '../../test/support/chance.ts';
import type { Case } from './cases.ts';
import type { Decision, Rule } from './decision.ts';
import { type Quantile, quantileOf } from './figures.ts';
import { classesOf, type LatencyClasses, QUANTILES } from './latency-classes.ts';
import { shareAbove } from './latency-shape.ts';
import { minutesOf } from './minutes.ts';
import { alarmOf } from './guarded.ts';
import { ours } from './ours.ts';
import { pastOf } from './past.ts';
import { argo, flagger, kayenta } from './rivals.ts';
import { DAY_MINUTES, MINUTES, SHARE } from './scenario.ts';
import { trafficOf } from './traffic.ts';

export const FALSE_ALARMS = 0.01;
/** What a person who waits for ten checks, a minute apart, would see. */
const EARLY_S = 600;

export const ERRORS_ONLY = 'Segue, tolerance 1, errors only, no past';
export const ALL_GUARDS = 'Segue, tolerance 1';

export interface Row {
  readonly rule: string;
  readonly isOurs: boolean;
  readonly releases: number;
  readonly takenBack: number;
  /** Of them, within ten minutes. */
  readonly early: number;
  /** Candidate requests and seconds until it was taken back; null: not in so many releases. */
  readonly p50: Found | null;
  readonly p90: Found | null;
}

export interface Found {
  readonly requests: Quantile;
  readonly seconds: Quantile;
}

export interface Result {
  readonly scenario: Case;
  readonly rows: readonly Row[];
  /** Null: a simple test has nothing to say of such traffic. */
  readonly simple: Simple | null;
}

/** Stable's rate is known and stays: what any test needs on average, and what the guard against the past needs. */
export interface Simple {
  readonly wald: number;
  readonly againstPast: Found | null;
}

export function rulesWith(tolerate: number, quantiles: readonly number[]): JudgeRules {
  return {
    falseAlarms: FALSE_ALARMS,
    falsePasses: 0.05,
    errors: { tolerate, negligible: 0.005, max: null },
    latency: { tolerate, quantiles, pastRequestsMin: 50, pastWindowsMin: 1, ceilings: [] },
  };
}

export function measure(scenario: Case, releases: number): Result {
  const classes = classesOf(scenario.stable.latency, scenario.arrivals);
  const past = pastOf(scenario, classes);
  const common = { classes, share: SHARE };
  const rules: Rule[] = [
    ours({ ...common, name: ERRORS_ONLY, rules: rulesWith(1, []), past: null }),
    ...[1, 1.25, 1.5].map((tolerate) =>
      ours({
        ...common,
        name: tolerate === 1 ? ALL_GUARDS : `Segue, tolerance ${tolerate}x`,
        rules: rulesWith(tolerate, QUANTILES),
        past,
      }),
    ),
    argo({ intervalMinutes: 1, successMin: 0.99, failureLimit: 0 }),
    argo({ intervalMinutes: 5, successMin: 0.95, failureLimit: 3 }),
    flagger({ successMin: 0.99, threshold: 1 }),
    flagger({ successMin: 0.99, threshold: 5 }),
    kayenta(),
  ];
  return {
    scenario,
    rows: rowsOf(scenario, classes, rules, releases),
    simple: simpleOf(scenario, releases),
  };
}

function rowsOf(scenario: Case, classes: LatencyClasses, rules: readonly Rule[], releases: number): Row[] {
  const found = rules.map((): Decision[] => []);
  for (let seed = 0; seed < releases; seed += 1) {
    const chance = new Chance(seed * 104_729 + 13);
    const drawn = {
      scenario,
      classes,
      share: SHARE,
      fromMinute: chance.below(DAY_MINUTES),
      minutes: MINUTES,
    };
    const traffic = trafficOf(drawn, chance);
    const minutes = minutesOf(traffic, drawn, chance);
    for (const [index, rule] of rules.entries()) {
      const decision = rule.decide({ traffic, minutes });
      if (decision) found[index]?.push(decision);
    }
  }
  return rules.map((rule, index) => rowOf(rule, found[index] ?? [], releases));
}

function rowOf({ name, isOurs }: Rule, found: readonly Decision[], releases: number): Row {
  const at = (part: number): Found | null => {
    const requests = quantileOf(
      found.map(({ candidateRequests }) => candidateRequests),
      part,
      releases,
    );
    const seconds = quantileOf(
      found.map(({ atS }) => atS),
      part,
      releases,
    );
    return requests && seconds && { requests, seconds };
  };
  return {
    rule: name,
    isOurs,
    releases,
    takenBack: found.length,
    early: found.filter(({ atS }) => atS <= EARLY_S).length,
    p50: at(0.5),
    p90: at(0.9),
  };
}

/** The error guards alone where errors are what is wrong, the latency guards as well where that is. */
function simpleOf(scenario: Case, releases: number): Simple | null {
  const { isBad, arrivals, sticky, stable, candidate } = scenario;
  if (!isBad || arrivals !== 'daily' || sticky) return null;
  const steady: Case = { ...scenario, arrivals: 'steady' };
  const classes = classesOf(stable.latency, 'steady');
  const isSlow = candidate.errors === stable.errors;
  const rules = rulesWith(1, isSlow ? QUANTILES : []);
  const judge = ours({ name: 'steady', rules, classes, share: SHARE, past: pastOf(steady, classes) });
  const [row] = rowsOf(steady, classes, [judge], releases);
  const bounds = isSlow
    ? classes.topsMs.map((ms) =>
        waldBound(shareAbove(candidate.latency, ms, 1), shareAbove(stable.latency, ms, 1), FALSE_ALARMS),
      )
    : [waldBound(candidate.errors, stable.errors, FALSE_ALARMS)];
  return { wald: Math.min(...bounds), againstPast: row?.p50 ?? null };
}

/** Healthy releases under every guard at once, and which of them took some back. */
export interface Guarded {
  readonly releases: number;
  readonly takenBack: number;
  readonly byGuard: Readonly<Record<string, number>>;
}

export function measureGuarded(releases: number): Guarded {
  const byGuard: Record<string, number> = {};
  let takenBack = 0;
  for (let seed = 1; seed <= releases; seed += 1) {
    const guard = alarmOf(new Chance(seed * 7907), FALSE_ALARMS);
    if (guard === null) continue;
    takenBack += 1;
    byGuard[guard] = (byGuard[guard] ?? 0) + 1;
  }
  return { releases, takenBack, byGuard };
}

/**
 * This project's judge on the simulated traffic: asked after every error of the candidate, and about slow requests
 * every second. Most looks are at one e-value only, and only when it may have been reached since the look before; the
 * judge itself has the last word.
 */
import type { Frequency } from '../../src/core/judge/frequency.ts';
import { judge, type JudgeRules } from '../../src/core/judge/judge.ts';
import { frequencyOf } from '../../src/core/judge/measure.ts';
import type { Observed, Past, Side } from '../../src/core/judge/observed.ts';
import { evidenceOfAbove } from '../../src/core/judge/rate.ts';
import { evidenceOfWorse } from '../../src/core/judge/ratio.ts';
import type { Finding } from '../../src/core/judge/verdict.ts';
import type { Decision, Rule } from './decision.ts';
import { histogramOf, type LatencyClasses } from './latency-classes.ts';
import {
  assignedUntil,
  type Counts,
  countsUntil,
  requestsUntil,
  type SideName,
  slowerUntil,
  type Traffic,
} from './traffic.ts';

export interface OurJudge {
  readonly name: string;
  readonly rules: JudgeRules;
  readonly classes: LatencyClasses;
  readonly share: number;
  readonly past: Past | null;
}

/** Everything seen of a side until a second began, and its errors until now. */
interface Seen {
  readonly requests: number;
  readonly assigned: number;
  readonly errors: number;
  readonly classes: Counts;
}

interface Both {
  readonly candidate: Seen;
  readonly stable: Seen;
}

export function ours(setting: OurJudge): Rule {
  const findings = judge(setting.rules, { release: [], stage: [], past: setting.past }).findings;
  return {
    name: setting.name,
    isOurs: true,
    decide: ({ traffic }) => decide(traffic, setting, findings),
  };
}

function decide(traffic: Traffic, setting: OurJudge, findings: readonly Finding[]): Decision | null {
  const guards = findings.map((finding) => new Guard(finding, setting));
  const ofErrors = guards.filter(({ quantile }) => quantile === null);
  const ofLatency = guards.filter(({ quantile }) => quantile !== null);
  const errors = { candidate: 0, stable: 0 };
  let next = 0;
  for (let second = 0; second < traffic.seconds; second += 1) {
    for (let bad = traffic.bad[next]; bad && bad.atS < second + 1; next += 1, bad = traffic.bad[next]) {
      if (!bad.first) continue;
      errors[bad.side] += 1;
      if (bad.side === 'stable' || !ofErrors.some((guard) => guard.errorsMayReach(traffic, second, errors)))
        continue;
      const seen = seenAt(traffic, bad.atS, errors);
      if (isWorse(setting, seen)) return { atS: bad.atS, candidateRequests: seen.candidate.requests };
    }
    if (!ofLatency.some((guard) => guard.slowMayReach(traffic, second + 1))) continue;
    const seen = seenAt(traffic, second + 1, errors);
    if (isWorse(setting, seen)) return { atS: second + 1, candidateRequests: seen.candidate.requests };
  }
  return null;
}

/** In the middle of a second, whose requests come evenly; not fewer than had errors. */
function seenAt(traffic: Traffic, atS: number, errors: Readonly<Record<SideName, number>>): Both {
  const second = Math.min(Math.floor(atS), traffic.seconds - 1);
  const side = (name: SideName): Seen => {
    const classes = countsUntil(traffic, atS === second + 1 ? atS : second, name);
    const before = requestsUntil(traffic, second, name);
    const during = requestsUntil(traffic, second + 1, name) - before;
    const requests = Math.max(errors[name], before + Math.round(during * (atS - second)));
    const assigned = Math.max(errors[name], assignedUntil(traffic, second, name));
    return { requests, assigned, errors: errors[name], classes };
  };
  return { candidate: side('candidate'), stable: side('stable') };
}

/** One guard's evidence from two counts. It says "maybe" wherever the judge would say "worse". */
class Guard {
  /** Null: errors. */
  readonly quantile: number | null;
  readonly #finding: Finding;
  readonly #share: number;
  readonly #frequency: Frequency;
  /** The most that one more bad request of the candidate can add. */
  readonly #stepLog: number;
  /** Below so many bad requests of the candidate it cannot be reached. */
  #fromBad = 0;

  constructor(finding: Finding, { rules, share }: OurJudge) {
    this.#finding = finding;
    this.#share = share;
    const { quantiles } = rules.latency;
    const named = quantiles.findIndex((quantile) => finding.guard.startsWith(`p${quantile * 100}`));
    this.quantile = named === -1 ? null : named;
    this.#frequency = named === -1 ? 'rare' : frequencyOf(quantiles[named] ?? 1);
    const { type, value } = finding.tolerated;
    this.#stepLog = -Math.log(type === 'rate' ? value : (share * value) / (share * value + 1 - share));
  }

  /** With the requests until the second began: with more of them there is less evidence. */
  errorsMayReach(
    traffic: Traffic,
    second: number,
    { candidate, stable }: Readonly<Record<SideName, number>>,
  ): boolean {
    if (candidate < this.#fromBad) return false;
    const requests = Math.max(candidate, requestsUntil(traffic, second, 'candidate'));
    return this.#mayReach(candidate, requests, stable);
  }

  slowMayReach(traffic: Traffic, second: number): boolean {
    const bad = slowerUntil(traffic, second, 'candidate', this.quantile ?? 0);
    if (bad < this.#fromBad) return false;
    const requests = requestsUntil(traffic, second, 'candidate');
    return this.#mayReach(bad, requests, slowerUntil(traffic, second, 'stable', this.quantile ?? 0));
  }

  #mayReach(bad: number, requests: number, stable: number): boolean {
    const { tolerated, worse } = this.#finding;
    const log =
      tolerated.type === 'ratio'
        ? evidenceOfWorse([{ share: this.#share, candidate: bad, stable }], tolerated.value, this.#frequency)
        : evidenceOfAbove({ bad, requests }, tolerated.value, this.#frequency);
    const left = worse.neededLog - log;
    this.#fromBad = bad + Math.max(1, Math.ceil(left / this.#stepLog));
    return left <= 0;
  }
}

const isWorse = (setting: OurJudge, seen: Both) =>
  judge(setting.rules, observedOf(setting, seen)).verdict === 'worse';

function observedOf({ classes, share, past }: OurJudge, { candidate, stable }: Both): Observed {
  const sideOf = ({ classes: counts, ...seen }: Seen): Side => ({
    ...seen,
    latency: histogramOf(classes, counts),
  });
  const rows = [{ share, rule: null, candidate: sideOf(candidate), stable: sideOf(stable) }];
  return { release: rows, stage: rows, past };
}

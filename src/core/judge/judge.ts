/**
 * The verdict on a candidate. Pure, and a function of counts: it may be asked after every request without raising
 * the rate of false alarms above what the user set for the release, because every guard is an e-process and the
 * guards share that rate (Bonferroni).
 */
import { evidenceOfMismatch } from './assignment.ts';
import { besideStable } from './beside.ts';
import { below, errorCeilings, latencyCeilings } from './ceiling.ts';
import type { Guard, Seen } from './guard.ts';
import { measuresOf, split } from './measure.ts';
import type { Observed, Past } from './observed.ts';
import { againstPast } from './past.ts';
import type { JudgeRules } from './rules.ts';
import { type Evidence, type Finding, isReached, type Verdict, verdictOf } from './verdict.ts';

export type { JudgeRules } from './rules.ts';

export interface Judgement {
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  /** The split that was seen is not the one that was asked for: no promotion until it is explained (R3). */
  readonly mismatch: Evidence;
}

/** Of a measure's false alarms: what the comparison with stable beside it may spend when there is a past too. */
const LIVE_SHARE = 0.5;
const PAST_SHARE = 1 - LIVE_SHARE;

/** Has read the rules and stable's past once, and is asked again and again. */
export class Judge {
  readonly #rules: JudgeRules;
  readonly #guards: readonly Guard[];

  /** `besideOnly`: the past says what is slow, and is no measure of those who are judged. */
  constructor(rules: JudgeRules, past: Past | null, besideOnly = false) {
    this.#rules = rules;
    this.#guards = guardsOf(rules, past, besideOnly);
  }

  /** The word alone, without what only people need. */
  verdict(seen: Seen): Pick<Judgement, 'verdict' | 'mismatch'> {
    const mismatch = this.#mismatch(seen);
    const asked = this.#guards.map((ask) => ask(seen));
    return { verdict: conclude(asked, mismatch), mismatch };
  }

  judgement(seen: Seen): Judgement {
    const mismatch = this.#mismatch(seen);
    const findings = this.#guards.map((ask) => ask(seen).explain());
    return { verdict: conclude(findings, mismatch), findings, mismatch };
  }

  #mismatch({ release }: Seen): Evidence {
    const assigned = split(release).map(({ share, candidate, stable }) => ({
      share,
      candidate: candidate.assigned,
      stable: stable.assigned,
    }));
    return { log: evidenceOfMismatch(assigned), neededLog: Math.log(1 / this.#rules.falseAlarms) };
  }
}

export function judge(rules: JudgeRules, observed: Observed): Judgement {
  return new Judge(rules, observed.past).judgement(observed);
}

function guardsOf(rules: JudgeRules, past: Past | null, besideOnly: boolean): Guard[] {
  const all = measuresOf(rules, past);
  const measures = besideOnly ? all.map((measure) => ({ ...measure, past: [], binds: false })) : all;
  const [errors] = measures;
  const slowAlpha = rules.falseAlarms / 2 / Math.max(1, measures.length - 1 + rules.latency.ceilings.length);
  return [
    ...measures.flatMap((measure) => {
      const { alpha, binds } = measure;
      const level = { alpha: binds ? alpha * LIVE_SHARE : alpha, beta: rules.falsePasses };
      return [besideStable(measure, level), ...(binds ? againstPast(measure, alpha * PAST_SHARE) : [])];
    }),
    ...errorCeilings(rules).map((ceiling) => below(ceiling, errors?.alpha ?? 0)),
    ...latencyCeilings(rules).map((ceiling) => below(ceiling, slowAlpha)),
  ];
}

/** A comparison of both sides rests on the split; one with a bound does not. Going on is never safe. */
function conclude(
  findings: readonly Pick<Finding, 'verdict' | 'same' | 'tolerated'>[],
  mismatch: Evidence,
): Verdict {
  if (!isReached(mismatch)) return verdictOf(findings);
  const sound = findings.filter(({ tolerated }) => tolerated.type === 'rate');
  return verdictOf(sound) === 'worse' ? 'worse' : 'not-enough-evidence';
}

/**
 * Requests that control itself sends to both sides, each to one by the toss of a coin, for services whose users send
 * too few. Counted apart from users' requests, judged by the same tests: errors as a ratio at a share of one half,
 * latency as pairs. Unless the file lets them vouch for a candidate, they can only take it back.
 */
import { count } from '../units.ts';
import type { GuardLevel } from './metric-guard.ts';
import { logSumExp } from './numeric.ts';
import { evidenceOfOftenWorse, NO_PAIRS, type Pairs, withPair } from './pairs.ts';
import { evidenceOfBelow } from './rate.ts';
import { evidenceOfBetter, evidenceOfWorse } from './ratio.ts';
import { type Evidence, type GuardFinding, isReached } from './verdict.ts';

export type ProbedSide = 'candidate' | 'stable';

export interface ProbeRules {
  /** Times stable's rate of failed probes. */
  readonly tolerateErrors: number;
  /** Times the time that stable took. */
  readonly tolerateLatency: number;
  readonly negligible: number;
  readonly promote: boolean;
}

export interface ProbeOutcome {
  readonly side: ProbedSide;
  readonly passed: boolean;
  readonly tookMs: number;
}

interface Tally {
  readonly candidate: Sent;
  readonly stable: Sent;
}

interface Sent {
  readonly sent: number;
  readonly failed: number;
}

export interface ProbesGathered {
  readonly release: Tally;
  readonly stage: Tally;
  readonly latency: Pairs;
  readonly lastFailure: string;
}

const NOTHING: Tally = { candidate: { sent: 0, failed: 0 }, stable: { sent: 0, failed: 0 } };
const SHARE = 0.5;
/** Of one side, until the other's come: a coin seldom falls on one side for so long. */
const WAITING_MAX = 64;

export class ProbeGuard {
  readonly #rules: ProbeRules;
  readonly #level: GuardLevel;
  #release = NOTHING;
  #stage = NOTHING;
  readonly #waiting: Record<ProbedSide, number[]> = { candidate: [], stable: [] };
  #latency: Pairs = NO_PAIRS;
  #lastFailure = '';

  /** `before`: what an earlier control gathered. */
  constructor(rules: ProbeRules, level: GuardLevel, before: ProbesGathered | null = null) {
    this.#rules = rules;
    this.#level = level;
    if (!before) return;
    this.#release = before.release;
    this.#stage = before.stage;
    this.#latency = before.latency;
    this.#lastFailure = before.lastFailure;
  }

  get gathered(): ProbesGathered {
    const [latency, lastFailure] = [this.#latency, this.#lastFailure];
    return { release: this.#release, stage: this.#stage, latency, lastFailure };
  }

  /** `detail`: what was wrong with one that failed. */
  take({ side, passed, tookMs }: ProbeOutcome, detail: string): void {
    this.#release = withOne(this.#release, side, passed);
    this.#stage = withOne(this.#stage, side, passed);
    if (passed) this.#takeLatency(side, tookMs);
    else if (side === 'candidate') this.#lastFailure = detail;
  }

  /** The first of one side with the first of the other, in the order in which they came. */
  #takeLatency(side: ProbedSide, tookMs: number): void {
    const waiting = this.#waiting[side];
    waiting.push(tookMs);
    if (waiting.length > WAITING_MAX) waiting.shift();
    if (this.#waiting.candidate.length === 0 || this.#waiting.stable.length === 0) return;
    const candidateMs = this.#waiting.candidate.shift() ?? 0;
    const stableMs = this.#waiting.stable.shift() ?? 0;
    this.#latency = withPair(this.#latency, candidateMs > stableMs * this.#rules.tolerateLatency);
  }

  beginStage(): void {
    this.#stage = NOTHING;
  }

  findings(): GuardFinding[] {
    return [this.#errors(), this.#slowness()];
  }

  #errors(): GuardFinding {
    const { tolerateErrors, promote } = this.#rules;
    const { candidate, stable } = this.#release;
    const worse = this.#evidence(evidenceOfWorse(rowsOf(this.#release), tolerateErrors));
    const isSame = this.#evidenceOfSame() >= Math.log(1 / this.#level.falsePasses);
    const last = this.#lastFailure === '' ? '' : ` (${this.#lastFailure})`;
    return {
      guard: 'probes',
      verdict: isReached(worse) ? 'worse' : isSame ? 'better-or-same' : 'not-enough-evidence',
      role: promote ? 'voucher' : 'alarm',
      worse,
      proof: `candidate failed ${candidate.failed} of ${candidate.sent}${last}, stable ${stable.failed} of ${stable.sent}`,
    };
  }

  /** Against "at least `tolerate` times stable's rate, and not negligible", as the judge does with users' requests. */
  #evidenceOfSame(): number {
    const { candidate } = this.#stage;
    const { tolerateErrors, negligible } = this.#rules;
    const routes = [evidenceOfBetter(rowsOf(this.#stage), tolerateErrors)];
    if (negligible > 0)
      routes.push(evidenceOfBelow({ bad: candidate.failed, requests: candidate.sent }, negligible));
    return logSumExp(routes) - Math.log(routes.length);
  }

  #slowness(): GuardFinding {
    const worse = this.#evidence(evidenceOfOftenWorse(this.#latency));
    const { worse: slower, all } = this.#latency;
    return {
      guard: 'probe latency',
      verdict: isReached(worse) ? 'worse' : 'not-enough-evidence',
      role: 'alarm',
      worse,
      proof: `slower than ${this.#rules.tolerateLatency}x stable in ${slower} of ${count(all, 'pair')}`,
    };
  }

  #evidence(log: number): Evidence {
    return { log, neededLog: Math.log(1 / this.#level.falseAlarms) };
  }
}

function withOne(tally: Tally, side: ProbedSide, passed: boolean): Tally {
  const { sent, failed } = tally[side];
  return { ...tally, [side]: { sent: sent + 1, failed: failed + (passed ? 0 : 1) } };
}

const rowsOf = ({ candidate, stable }: Tally) => [
  { share: SHARE, candidate: candidate.failed, stable: stable.failed },
];

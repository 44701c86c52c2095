/**
 * An outside metric as a guard: values without counts, of which nothing is known but that they come. A bound is
 * passed, or not, by so many values in a row; a comparison is a test on pairs. A metric that gives no value says
 * nothing, so nothing is promoted and nothing taken back by it (R8).
 */
import { formatDurationMs, formatNumber } from '../units.ts';
import type { MetricChoice, MetricRule } from './guard-choices.ts';
import { evidenceOfOftenWorse, evidenceOfSeldomWorse, NO_PAIRS, type Pairs, withPair } from './pairs.ts';
import { type Evidence, type GuardFinding, isReached, type Verdict } from './verdict.ts';

export interface MetricReading {
  /** Monotonic. */
  readonly atMs: number;
  readonly candidate: number;
  /** Null unless both sides are compared. */
  readonly stable: number | null;
}

export interface GuardLevel {
  /** What this guard may spend of the release's false alarms. */
  readonly falseAlarms: number;
  /** Of a stage's false passes. */
  readonly falsePasses: number;
}

/** Values in a row on one side of a bound. */
interface Run {
  readonly isBeyond: boolean;
  readonly values: readonly number[];
}

/** Without moments: what is away for longer than a value looks back is not counted twice either way. */
export interface MetricGathered {
  readonly last: Omit<MetricReading, 'atMs'> | null;
  readonly run: Run | null;
  readonly release: Pairs;
  readonly stage: Pairs;
}

type Bound = Extract<MetricRule, { type: 'bound' }>;
type Compare = Extract<MetricRule, { type: 'compare' }>;

interface Begun {
  readonly atMs: number;
  readonly before: MetricGathered | null;
}

/** A source is missed when so many of its values did not come. */
const MISSED_MAX = 3;

export class MetricGuard {
  readonly #name: string;
  readonly #choice: MetricChoice;
  readonly #level: GuardLevel;
  #last: MetricReading | null = null;
  #trouble: string | null = null;
  #countedAtMs: number;
  #stageAtMs: number;
  #run: Run | null = null;
  #release: Pairs = NO_PAIRS;
  #stage: Pairs = NO_PAIRS;

  /**
   * What was before `atMs` is not the candidate's, or was counted by an earlier control, which gathered `before`: the
   * first value that counts looks back no further.
   */
  constructor(name: string, choice: MetricChoice, level: GuardLevel, begun: Begun) {
    const { atMs, before } = begun;
    this.#name = name;
    this.#choice = choice;
    this.#level = level;
    this.#countedAtMs = atMs;
    this.#stageAtMs = atMs;
    if (!before) return;
    this.#last = before.last && { ...before.last, atMs: -Infinity };
    this.#run = before.run;
    this.#release = before.release;
    this.#stage = before.stage;
  }

  get gathered(): MetricGathered {
    const last = this.#last && { candidate: this.#last.candidate, stable: this.#last.stable };
    return { last, run: this.#run, release: this.#release, stage: this.#stage };
  }

  take(reading: MetricReading): void {
    const { rule, overMs } = this.#choice;
    const isNew = reading.atMs - this.#countedAtMs >= overMs;
    this.#last = reading;
    this.#trouble = null;
    if (rule.type === 'bound') this.#takeValue(rule, reading, isNew);
    else if (rule.type === 'compare' && isNew) this.#takePair(rule, reading);
  }

  /** Of values that share what they saw one counts, but each of them can end a run. */
  #takeValue(bound: Bound, { atMs, candidate }: MetricReading, isNew: boolean): void {
    const isBeyond = isBeyondBound(bound, candidate);
    if (this.#run?.isBeyond !== isBeyond) this.#run = { isBeyond, values: [] };
    if (!isNew || (!isBeyond && !this.#isOfStage(atMs))) return;
    this.#run = { isBeyond, values: [...this.#run.values, candidate].slice(-bound.readings) };
    this.#countedAtMs = atMs;
  }

  #isOfStage(atMs: number): boolean {
    return atMs - this.#stageAtMs >= this.#choice.overMs;
  }

  #takePair(rule: Compare, { atMs, candidate, stable }: MetricReading): void {
    if (stable === null) return;
    const isWorse = isWorseThan(rule, candidate, stable);
    this.#release = withPair(this.#release, isWorse);
    if (this.#isOfStage(atMs)) this.#stage = withPair(this.#stage, isWorse);
    this.#countedAtMs = atMs;
  }

  /** The source was asked and gave no value. */
  fail(why: string): void {
    this.#trouble = why;
  }

  /** Each stage earns its own promotion; that a candidate is worse is never forgotten. */
  beginStage(atMs: number): void {
    this.#stageAtMs = atMs;
    this.#stage = NO_PAIRS;
    if (this.#run && !this.#run.isBeyond) this.#run = null;
  }

  finding(atMs: number): GuardFinding {
    const { rule } = this.#choice;
    const worse = rule.type === 'compare' ? this.#evidence(evidenceOfOftenWorse(this.#release)) : null;
    const verdict = this.#verdict(worse);
    const silent = verdict === 'worse' ? null : this.#silence(atMs);
    return {
      guard: `metric ${this.#name}`,
      verdict: silent === null ? verdict : 'not-enough-evidence',
      role: rule.type === 'watch' ? 'watch' : 'gate',
      worse,
      proof: silent ?? this.#proof(),
    };
  }

  #evidence(log: number): Evidence {
    return { log, neededLog: Math.log(1 / this.#level.falseAlarms) };
  }

  #verdict(worse: Evidence | null): Verdict {
    const { rule } = this.#choice;
    if (rule.type === 'bound') {
      if (!this.#run || this.#run.values.length < rule.readings) return 'not-enough-evidence';
      return this.#run.isBeyond ? 'worse' : 'better-or-same';
    }
    if (worse && isReached(worse)) return 'worse';
    const isSame = evidenceOfSeldomWorse(this.#stage) >= Math.log(1 / this.#level.falsePasses);
    return rule.type === 'compare' && isSame ? 'better-or-same' : 'not-enough-evidence';
  }

  /** Why there is nothing to go by now; null: there is. */
  #silence(atMs: number): string | null {
    const { everyMs, timeoutMs } = this.#choice;
    const last = this.#last;
    if (!last) return `no value yet${this.#trouble === null ? '' : `: ${this.#trouble}`}`;
    const ageMs = atMs - last.atMs;
    if (this.#trouble === null && ageMs <= MISSED_MAX * everyMs + timeoutMs) return null;
    const ago = ageMs === Infinity ? 'before control was started again' : `${formatDurationMs(ageMs)} ago`;
    const before = `it was ${formatNumber(last.candidate)} ${ago}`;
    return `no value${this.#trouble === null ? '' : `: ${this.#trouble}`}; ${before}`;
  }

  #proof(): string {
    const { rule } = this.#choice;
    const candidate = formatNumber(this.#last?.candidate ?? 0);
    switch (rule.type) {
      case 'bound':
        return this.#boundProof(rule, candidate);
      case 'compare': {
        const how = `${formatNumber(rule.tolerate)}x ${rule.worse === 'higher' ? 'above' : 'below'}`;
        const { worse, all } = this.#release;
        return `${candidate}, stable ${formatNumber(this.#last?.stable ?? 0)}; more than ${how} it in ${worse} of ${all}`;
      }
      case 'watch':
        return candidate;
    }
  }

  #boundProof(rule: Bound, candidate: string): string {
    const { isBeyond, values } = this.#run ?? { isBeyond: false, values: [] };
    const row = `${values.length} of ${rule.readings} in a row`;
    if (!isBeyond) return `${candidate}, ${describeBound(rule)}; ${row}`;
    return `${candidate}, not ${describeBound(rule)}; ${row}: ${values.map(formatNumber).join(', ')}`;
  }
}

function isBeyondBound({ min, max }: Bound, value: number): boolean {
  return (min !== null && value < min) || (max !== null && value > max);
}

function isWorseThan({ tolerate, worse, negligible }: Compare, candidate: number, stable: number): boolean {
  if (worse === 'lower') return candidate * tolerate < stable;
  return candidate > negligible && candidate > stable * tolerate;
}

function describeBound({ min, max }: Bound): string {
  if (min === null) return `at most ${formatNumber(max ?? Infinity)}`;
  return max === null ? `at least ${formatNumber(min)}` : `from ${formatNumber(min)} to ${formatNumber(max)}`;
}

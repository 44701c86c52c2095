/**
 * What the candidate's instances use, beside stable's at the same moments: processor time per request (of workers per
 * second), memory per instance, its growth, restarts, and how long they take to answer a readiness check: where one
 * thread does all the work, that is how long its event loop is busy with something else. It can only take a candidate
 * back. New instances warm up before they are measured, and one reading is never enough: each guard is a test over
 * many (`pairs.ts`), or a count.
 */
import { formatBytes, formatDurationMs, formatNumber } from '../units.ts';
import type { SaturationChoice } from './guard-choices.ts';
import { type GrowthGathered, MemoryGrowth } from './memory-growth.ts';
import { evidenceOfOftenWorse, NO_PAIRS, type Pairs, withPair } from './pairs.ts';
import {
  NO_RESTARTS,
  type RestartsGathered,
  type RestartsReading,
  restartsFinding,
  withRestarts,
} from './restarts.ts';
import { type Evidence, type GuardFinding, isReached, NOT_MEASURED } from './verdict.ts';

/** Of one instance, since it was started. */
export interface InstanceUsage {
  readonly id: string;
  readonly cpuMs: number;
  readonly rssBytes: number;
  /** Given to it by the gateway; null: not known. */
  readonly requests: number | null;
  /** Readiness checks that it was asked over HTTP, and how long they took together. */
  readonly checks: { readonly count: number; readonly tookMs: number };
}

/** What processor time is for: what came to an instance, or, where nothing is counted, its time. */
export type UnitOfWork = 'request' | 'second';

export interface UsageReading {
  /** Monotonic. */
  readonly atMs: number;
  readonly candidate: readonly InstanceUsage[];
  readonly stable: readonly InstanceUsage[];
}

/** Between two readings, of the instances that were warm at both. */
interface SideUse {
  readonly instances: number;
  readonly lengthMs: number;
  readonly cpuMs: number;
  readonly requests: number | null;
  readonly meanRssBytes: number;
  /** Null: none was asked. */
  readonly meanCheckMs: number | null;
}

/** What it has found out so far, as it is written down. */
export interface SaturationGathered {
  readonly cpu: CpuSums;
  readonly memory: MemorySums;
  readonly delay: DelaySums;
  readonly above: Above;
  readonly growth: GrowthGathered;
  readonly restarts: RestartsGathered;
  /** By instance: for how long it had been seen at the last reading. */
  readonly seenForMs: Readonly<Record<string, number>>;
}

export interface SaturationOptions {
  readonly unit?: UnitOfWork;
  /** What an earlier control gathered. */
  readonly before?: SaturationGathered | null;
  /** Monotonic. */
  readonly atMs?: number;
}

interface CpuSums {
  readonly pairs: Pairs;
  readonly candidateMs: number;
  readonly candidateUnits: number;
  readonly stableMs: number;
  readonly stableUnits: number;
}

interface MemorySums {
  readonly pairs: Pairs;
  readonly candidateBytes: number;
  readonly stableBytes: number;
}

interface DelaySums {
  readonly pairs: Pairs;
  readonly candidateMs: number;
  readonly stableMs: number;
}

interface Above {
  readonly row: number;
  readonly id: string;
  readonly bytes: number;
}

/** Fewer of stable's requests than this say too little about what one costs. */
const REQUESTS_MIN = 20;
/** Of one core, for timers, health checks and collectors of each instance: where requests are few, they are all there is. */
const IDLE_SHARE = 0.1;
/** Runtimes and allocators differ by as much from one start to the next. */
const MEMORY_ALLOWED_BYTES = 64 * 1024 ** 2;
/** A check that takes so much longer is no trouble yet. */
const DELAY_ALLOWED_MS = 50;
/** Readings in a row above the most memory that is allowed. */
const ABOVE_MAX = 3;

export class SaturationGuard {
  readonly #choice: SaturationChoice;
  readonly #falseAlarms: number;
  readonly #unit: UnitOfWork;
  readonly #growth: MemoryGrowth;
  readonly #since = new Map<string, number>();
  #before: UsageReading | null = null;
  #atMs: number;
  #cpu: CpuSums = { pairs: NO_PAIRS, candidateMs: 0, candidateUnits: 0, stableMs: 0, stableUnits: 0 };
  #memory: MemorySums = { pairs: NO_PAIRS, candidateBytes: 0, stableBytes: 0 };
  #delay: DelaySums = { pairs: NO_PAIRS, candidateMs: 0, stableMs: 0 };
  #above: Above = { row: 0, id: '', bytes: 0 };
  #restarts = NO_RESTARTS;

  /** `falseAlarms`: what each of its guards may spend of the release's. `before`: what an earlier control gathered. */
  constructor(
    choice: SaturationChoice,
    falseAlarms: number,
    { unit = 'request', before = null, atMs = 0 }: SaturationOptions = {},
  ) {
    this.#choice = choice;
    this.#unit = unit;
    this.#falseAlarms = falseAlarms;
    this.#atMs = atMs;
    this.#growth = new MemoryGrowth(choice.growthBytesPerHour ?? 0, before?.growth ?? null, atMs);
    if (!before) return;
    this.#cpu = before.cpu;
    this.#memory = before.memory;
    this.#delay = before.delay;
    this.#above = before.above;
    this.#restarts = before.restarts;
    for (const [id, seenForMs] of Object.entries(before.seenForMs)) this.#since.set(id, atMs - seenForMs);
  }

  /** As of the last reading. */
  get gathered(): SaturationGathered {
    const atMs = this.#atMs;
    return {
      ...{ cpu: this.#cpu, memory: this.#memory, delay: this.#delay, above: this.#above },
      growth: this.#growth.gathered(atMs),
      restarts: this.#restarts,
      seenForMs: Object.fromEntries([...this.#since].map(([id, sinceMs]) => [id, atMs - sinceMs])),
    };
  }

  take(reading: UsageReading): void {
    const { atMs, candidate, stable } = reading;
    for (const { id } of [...candidate, ...stable]) if (!this.#since.has(id)) this.#since.set(id, atMs);
    this.#takeCeiling(candidate);
    const mine = this.#use(reading, 'candidate');
    const theirs = this.#use(reading, 'stable');
    this.#before = reading;
    this.#atMs = atMs;
    if (mine) this.#growth.take(atMs, mine.meanRssBytes);
    if (mine) this.#takeMemory(mine, theirs);
    if (mine && theirs) this.#takeCpu(mine, theirs);
    if (mine && theirs) this.#takeDelay(mine, theirs);
  }

  takeRestarts(reading: RestartsReading): void {
    this.#restarts = withRestarts(this.#restarts, reading);
  }

  #use({ atMs, ...now }: UsageReading, side: 'candidate' | 'stable'): SideUse | null {
    const before = this.#before;
    if (!before) return null;
    const earlier = new Map(before[side].map((usage) => [usage.id, usage]));
    const warm = now[side].flatMap((usage) => {
      const first = earlier.get(usage.id);
      const isWarm = before.atMs - (this.#since.get(usage.id) ?? atMs) >= this.#choice.warmupMs;
      return first && isWarm ? [{ first, usage }] : [];
    });
    if (warm.length === 0) return null;
    const sum = (of: (pair: (typeof warm)[number]) => number) =>
      warm.reduce((all, pair) => all + of(pair), 0);
    const isCounted = warm.every(({ first, usage }) => first.requests !== null && usage.requests !== null);
    const checks = sum(({ first, usage }) => grown(first.checks.count, usage.checks.count));
    const checksMs = sum(({ first, usage }) => grown(first.checks.tookMs, usage.checks.tookMs));
    return {
      instances: warm.length,
      lengthMs: atMs - before.atMs,
      cpuMs: sum(({ first, usage }) => grown(first.cpuMs, usage.cpuMs)),
      requests: isCounted ? sum(({ first, usage }) => grown(first.requests ?? 0, usage.requests ?? 0)) : null,
      meanRssBytes: sum(({ usage }) => usage.rssBytes) / warm.length,
      meanCheckMs: checks > 0 ? checksMs / checks : null,
    };
  }

  #takeCpu(mine: SideUse, theirs: SideUse): void {
    const { cpu } = this.#choice;
    const [units, theirUnits] = [this.#unitsOf(mine), this.#unitsOf(theirs)];
    if (cpu === null || units === null || theirUnits === null) return;
    if (this.#unit === 'request' && theirUnits < REQUESTS_MIN) return;
    const idleMs = IDLE_SHARE * mine.lengthMs * mine.instances;
    const toleratedMs = cpu * (theirs.cpuMs / theirUnits) * units + idleMs;
    const so = this.#cpu;
    this.#cpu = {
      pairs: withPair(so.pairs, mine.cpuMs > toleratedMs),
      candidateMs: so.candidateMs + mine.cpuMs,
      candidateUnits: so.candidateUnits + units,
      stableMs: so.stableMs + theirs.cpuMs,
      stableUnits: so.stableUnits + theirUnits,
    };
  }

  #unitsOf({ requests, instances, lengthMs }: SideUse): number | null {
    return this.#unit === 'request' ? requests : (instances * lengthMs) / 1_000;
  }

  #takeDelay(mine: SideUse, theirs: SideUse): void {
    const { delay } = this.#choice;
    const [candidateMs, stableMs] = [mine.meanCheckMs, theirs.meanCheckMs];
    if (delay === null || candidateMs === null || stableMs === null) return;
    const isWorse = candidateMs > delay * stableMs + DELAY_ALLOWED_MS;
    this.#delay = { pairs: withPair(this.#delay.pairs, isWorse), candidateMs, stableMs };
  }

  /** Stable counts with the most that it ever had: it may have given its traffic away meanwhile. */
  #takeMemory(mine: SideUse, theirs: SideUse | null): void {
    const { memory } = this.#choice;
    const candidateBytes = mine.meanRssBytes;
    const stableBytes = Math.max(this.#memory.stableBytes, theirs?.meanRssBytes ?? 0);
    const before = this.#memory.pairs;
    const isJudged = memory !== null && stableBytes > 0;
    const isWorse = isJudged && candidateBytes > memory * stableBytes + MEMORY_ALLOWED_BYTES;
    const pairs = isJudged ? withPair(before, isWorse) : before;
    this.#memory = { pairs, candidateBytes, stableBytes };
  }

  #takeCeiling(candidate: readonly InstanceUsage[]): void {
    const { memoryMaxBytes } = this.#choice;
    const most = candidate.toSorted((a, b) => b.rssBytes - a.rssBytes)[0];
    if (!most) return;
    const isAbove = memoryMaxBytes !== null && most.rssBytes > memoryMaxBytes;
    this.#above = { row: isAbove ? this.#above.row + 1 : 0, id: most.id, bytes: most.rssBytes };
  }

  findings(): GuardFinding[] {
    const found = [
      this.#cpuFinding(),
      this.#memoryFinding(),
      this.#ceilingFinding(),
      this.#growthFinding(),
      this.#delayFinding(),
      this.#restartsFinding(),
    ];
    return found.filter((finding) => finding !== null);
  }

  #ofPairs(guard: string, pairs: Pairs, proof: string): GuardFinding {
    return pairs.all === 0 ? quiet(guard) : this.#finding(guard, evidenceOfOftenWorse(pairs), proof);
  }

  #finding(guard: string, log: number, proof: string): GuardFinding {
    const worse: Evidence = { log, neededLog: Math.log(1 / this.#falseAlarms) };
    const verdict = isReached(worse) ? 'worse' : 'not-enough-evidence';
    return { guard, verdict, role: 'alarm', worse, proof };
  }

  #cpuFinding(): GuardFinding | null {
    const { cpu } = this.#choice;
    if (cpu === null) return null;
    const { pairs, candidateMs, candidateUnits, stableMs, stableUnits } = this.#cpu;
    const mine = formatDurationMs(candidateMs / Math.max(1, candidateUnits));
    const theirs = formatDurationMs(stableMs / Math.max(1, stableUnits));
    const beyond = `more than ${formatNumber(cpu)}x in ${pairs.worse} of ${pairs.all} readings`;
    return this.#ofPairs('cpu', pairs, `${mine} of a core per ${this.#unit}, stable ${theirs}; ${beyond}`);
  }

  #memoryFinding(): GuardFinding | null {
    const { memory } = this.#choice;
    if (memory === null) return null;
    const { pairs, candidateBytes, stableBytes } = this.#memory;
    const sides = `${formatBytes(candidateBytes)} per instance, stable at most ${formatBytes(stableBytes)}`;
    const beyond = `more than ${formatNumber(memory)}x and ${formatBytes(MEMORY_ALLOWED_BYTES)} in ${pairs.worse} of ${pairs.all} readings`;
    return this.#ofPairs('memory', pairs, `${sides}; ${beyond}`);
  }

  #ceilingFinding(): GuardFinding | null {
    const { memoryMaxBytes } = this.#choice;
    if (memoryMaxBytes === null) return null;
    const { row, id, bytes } = this.#above;
    if (id === '') return quiet('memory ceiling');
    const proof = `${id} has ${formatBytes(bytes)}, at most ${formatBytes(memoryMaxBytes)} allowed; ${row} of ${ABOVE_MAX} in a row`;
    const verdict = row >= ABOVE_MAX ? 'worse' : 'not-enough-evidence';
    return { guard: 'memory ceiling', verdict, role: 'alarm', worse: null, proof };
  }

  /** Without a bound it is shown only: caches fill for a while in every program. */
  #growthFinding(): GuardFinding | null {
    const { growthBytesPerHour: bound } = this.#choice;
    const { slope, evidence } = this.#growth;
    if (!slope) return bound === null ? null : quiet('memory growth');
    const seen = `${rate(slope.perHour)} (${rate(slope.from)} to ${rate(slope.to)})`;
    if (bound !== null) return this.#finding('memory growth', evidence, `${seen}, ${rate(bound)} tolerated`);
    return { ...quiet('memory growth'), role: 'watch', proof: seen };
  }

  #delayFinding(): GuardFinding | null {
    const { delay } = this.#choice;
    if (delay === null) return null;
    const { pairs, candidateMs, stableMs } = this.#delay;
    const sides = `readiness answered in ${formatDurationMs(candidateMs)}, stable ${formatDurationMs(stableMs)}`;
    const allowed = `${formatNumber(delay)}x and ${formatDurationMs(DELAY_ALLOWED_MS)}`;
    const beyond = `more than ${allowed} in ${pairs.worse} of ${pairs.all} readings`;
    return this.#ofPairs('delay', pairs, `${sides}; ${beyond}`);
  }

  #restartsFinding(): GuardFinding | null {
    const { restarts } = this.#choice;
    return restarts === null ? null : restartsFinding(this.#restarts, restarts, this.#falseAlarms);
  }
}

const quiet = (guard: string): GuardFinding => ({
  ...{ guard, verdict: 'not-enough-evidence', role: 'alarm', worse: null },
  proof: NOT_MEASURED,
});

/** What was started again counts from zero. */
const grown = (before: number, now: number) => (now >= before ? now - before : now);

const rate = (bytesPerHour: number) =>
  `${bytesPerHour < 0 ? '-' : ''}${formatBytes(Math.abs(bytesPerHour))}/h`;

/**
 * Watches one instance from its start to its end: readiness decides whether it may have traffic, liveness
 * whether it is started again, dependencies are part of the first readiness and reported after it.
 */
import { startCheckDelayMs } from '../core/health/backoff.ts';
import { nextStreak, type Streak } from '../core/health/streak.ts';
import { limits } from '../core/limits.ts';
import type { Check, Health, LivenessCheck } from '../core/project.ts';
import { formatDurationMs } from '../core/units.ts';
import type { Clock } from '../ports/clock.ts';
import type { Prober } from '../ports/prober.ts';
import type { Runtime } from '../ports/runtime.ts';
import { probeOfCheck, type ProbeTarget } from './probes.ts';

export interface MonitorOptions {
  readonly id: string;
  readonly health: Health;
  readonly target: ProbeTarget;
  /** It serves no traffic. */
  readonly worker: boolean;
  /** True for an instance that was ready under an earlier control and still runs. */
  readonly assumeReady: boolean;
  readonly onReady: (ready: boolean, why: string) => void;
  readonly onUnhealthy: (why: string) => void;
}

export interface MonitorPorts {
  readonly clock: Clock;
  readonly prober: Prober;
  readonly runtime: Pick<Runtime, 'listening'>;
}

export class HealthMonitor {
  readonly #options: MonitorOptions;
  readonly #ports: MonitorPorts;
  readonly #stop = new AbortController();
  #readiness: Streak;
  #wasReady: boolean;
  #notReady: string | null = null;
  #dependencies: string | null = null;
  #checks = { count: 0, tookMs: 0 };

  constructor(options: MonitorOptions, ports: MonitorPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#readiness = { good: options.assumeReady, against: 0 };
    this.#wasReady = options.assumeReady;
  }

  get ready(): boolean {
    return this.#readiness.good;
  }

  /** Why the instance is not ready, or which dependency fails; null when all is well. */
  get trouble(): string | null {
    return this.#notReady ?? this.#dependencies;
  }

  /** Readiness checks of its own over HTTP, and how long they took together: what is busy answers late. */
  get checks(): { readonly count: number; readonly tookMs: number } {
    return this.#checks;
  }

  /** What it saw before it was stopped is about a run that is over. */
  get stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  start(): void {
    this.#run(() => this.#watchReadiness());
    if (this.#options.health.liveness) this.#run(() => this.#watchLiveness());
    if (Object.keys(this.#options.health.dependencies).length > 0) this.#run(() => this.#watchDependencies());
  }

  stop(): void {
    this.#stop.abort();
  }

  /** A loop ends with the monitor only: what a check throws counts as a check that failed. */
  #run(loop: () => Promise<void>): void {
    loop().catch((error: unknown) => {
      if (!this.stopped) this.#notReady = messageOf(error);
    });
  }

  async #watchReadiness(): Promise<void> {
    const { clock } = this.#ports;
    const { readiness } = this.#options.health;
    const rule = { passesToGood: readiness.successes, failuresToBad: readiness.failures };
    const startedMs = clock.monotonicMs();
    while (!this.stopped) {
      const trouble = await this.#readinessTrouble(startedMs).catch(messageOf);
      if (this.stopped) return;
      const before = this.#readiness.good;
      this.#readiness = nextStreak(this.#readiness, trouble === null, rule);
      if (trouble !== null || this.#readiness.good) this.#notReady = trouble;
      if (this.#readiness.good !== before) {
        this.#wasReady ||= this.#readiness.good;
        this.#options.onReady(this.#readiness.good, trouble ?? '');
      }
      const delayMs = this.#wasReady
        ? readiness.intervalMs
        : startCheckDelayMs(clock.monotonicMs() - startedMs, readiness.intervalMs);
      await clock.sleep(delayMs, this.#stop.signal);
    }
  }

  /** Null: it passed. */
  async #readinessTrouble(startedMs: number): Promise<string | null> {
    const { health, target, id } = this.#options;
    const { check, timeoutMs } = health.readiness;
    if (check.type === 'runs') {
      const ranMs = this.#ports.clock.monotonicMs() - startedMs;
      if (ranMs < check.forMs)
        return `it has run for ${formatDurationMs(ranMs)}, and is ready after ${formatDurationMs(check.forMs)}`;
      return this.#wasReady ? null : this.#dependencyTrouble();
    }
    const result = await this.#ports.prober.probe(probeOfCheck(check, target), timeoutMs, this.#stop.signal);
    if (check.type === 'path') {
      const { count, tookMs } = this.#checks;
      this.#checks = { count: count + 1, tookMs: tookMs + result.tookMs };
    }
    if (!result.passed) return result.detail;
    if (this.#wasReady) return null;
    // R9: an answer on the port counts only when it is this instance that listens there.
    const listening = this.#answersOnPort(check) ? await this.#ports.runtime.listening(id) : null;
    if (listening && !listening.includes(target.port))
      return `something else answers on port ${target.port}; the instance does not listen there`;
    return this.#dependencyTrouble();
  }

  /** A worker need not listen unless it is asked there. */
  #answersOnPort(check: Check): boolean {
    if (!this.#options.worker) return true;
    return check.type === 'path' || (check.type === 'tcp' && check.host === null && check.port === null);
  }

  async #dependencyTrouble(): Promise<string | null> {
    const { health, target } = this.#options;
    const checks = Object.entries(health.dependencies).map(async ([name, check]) => {
      const probe = probeOfCheck(check, target);
      const result = await this.#ports.prober.probe(probe, health.readiness.timeoutMs, this.#stop.signal);
      return result.passed ? null : `dependency ${name}: ${result.detail}`;
    });
    const failed = (await Promise.all(checks)).filter((trouble) => trouble !== null);
    return failed.length > 0 ? failed.join('; ') : null;
  }

  async #watchDependencies(): Promise<void> {
    while (!this.stopped) {
      await this.#ports.clock.sleep(limits.health.dependencyIntervalMs, this.#stop.signal);
      if (this.#readiness.good) this.#dependencies = await this.#dependencyTrouble().catch(messageOf);
    }
  }

  async #watchLiveness(): Promise<void> {
    const { liveness, readiness } = this.#options.health;
    const { clock } = this.#ports;
    if (!liveness) return;
    const startedMs = clock.monotonicMs();
    let streak: Streak = { good: true, against: 0 };
    while (!this.stopped) {
      await clock.sleep(liveness.intervalMs, this.#stop.signal);
      // Until it was ready once, readiness.within judges a slow start; liveness only one that took longer.
      if (!this.#wasReady && clock.monotonicMs() - startedMs < readiness.withinMs) continue;
      const { passed, detail } = await this.#livenessResult(liveness);
      if (this.stopped) return;
      streak = nextStreak(streak, passed, { passesToGood: 1, failuresToBad: liveness.failures });
      if (!streak.good) {
        this.#options.onUnhealthy(detail);
        return;
      }
    }
  }

  async #livenessResult({ check, timeoutMs }: LivenessCheck) {
    try {
      const probe = probeOfCheck(check, this.#options.target);
      return await this.#ports.prober.probe(probe, timeoutMs, this.#stop.signal);
    } catch (error) {
      return { passed: false, detail: messageOf(error) };
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

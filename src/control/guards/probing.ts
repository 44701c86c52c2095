/**
 * Sends labelled requests straight to instances of both sides, each to one side by the toss of a coin, never more
 * than the rate that was asked for. The gateway knows nothing of them, so no count and no receipt has them.
 */
import { limits } from '../../core/limits.ts';
import type { ProbesChoice } from '../../core/judge/guard-choices.ts';
import type { GuardRecords } from '../../core/judge/guard-records.ts';
import type { GuardLevel } from '../../core/judge/metric-guard.ts';
import { ProbeGuard, type ProbeRules } from '../../core/judge/probe-guard.ts';
import type { GuardFinding } from '../../core/judge/verdict.ts';
import type { WebService } from '../../core/project.ts';
import type { InstanceRecord, ReleaseRecord } from '../../core/release/records.ts';
import { SEGUE_VERSION } from '../../wire/version.ts';
import { probeOfSmokeTest } from '../probes.ts';
import { type GuardParts, type GuardSource, repeat, sidesOf } from './guard-source.ts';

export interface ProbingOrder {
  readonly choice: ProbesChoice;
  readonly rules: ProbeRules;
  readonly level: GuardLevel;
  readonly release: ReleaseRecord;
  readonly service: WebService;
  /** What an earlier control gathered. */
  readonly before: GuardRecords | null;
}

/** So that a program can leave them out of what it counts. */
const LABELS = { 'segue-probe': '1', 'user-agent': `segue-probe/${SEGUE_VERSION}` } as const;

export class Probing implements GuardSource {
  readonly #parts: GuardParts;
  readonly #order: ProbingOrder;
  readonly #guard: ProbeGuard;
  readonly #closing = new AbortController();
  #underWay = 0;
  #sent = 0;

  constructor(order: ProbingOrder, parts: GuardParts) {
    this.#parts = parts;
    this.#order = order;
    this.#guard = new ProbeGuard(order.rules, order.level, order.before?.probes ?? null);
    const everyMs = 1_000 / order.choice.perSecond;
    void repeat(everyMs, () => this.#next(), parts.ports, this.#closing.signal);
  }

  /** One is begun, and not waited for. With nobody on one side there is nothing to compare. */
  async #next(): Promise<void> {
    const sides = sidesOf(this.#order.release, this.#parts);
    if (sides.candidate.length === 0 || sides.stable.length === 0) return;
    if (this.#underWay >= limits.guards.probesAtOnceMax) return;
    const side = Number.parseInt(this.#parts.ports.random.hex(1), 16) % 2 === 0 ? 'candidate' : 'stable';
    const instance = sides[side][this.#sent % sides[side].length];
    if (instance) void this.#send(side, instance);
  }

  async #send(side: 'candidate' | 'stable', instance: InstanceRecord): Promise<void> {
    const { choice } = this.#order;
    const test = choice.requests[this.#sent % choice.requests.length];
    if (!test) return;
    this.#sent += 1;
    this.#underWay += 1;
    const probe = probeOfSmokeTest(
      { ...test, headers: { ...test.headers, ...LABELS } },
      this.#target(instance),
    );
    const { signal } = this.#closing;
    const { passed, tookMs, detail } = await this.#parts.ports.prober.probe(probe, test.timeoutMs, signal);
    this.#underWay -= 1;
    if (!signal.aborted) this.#guard.take({ side, passed, tookMs }, detail);
  }

  #target({ host, port }: InstanceRecord) {
    const { routes } = this.#order.service.traffic;
    const named = routes.find((route) => route.host !== null && !route.host.startsWith('*'));
    return { host, port, hostHeader: named?.host ?? null, dir: '', env: () => ({}) };
  }

  beginStage(): void {
    this.#guard.beginStage();
  }

  findings(): GuardFinding[] {
    return this.#guard.findings();
  }

  addTo(records: GuardRecords): GuardRecords {
    return { ...records, probes: this.#guard.gathered };
  }

  close(): void {
    this.#closing.abort();
  }
}

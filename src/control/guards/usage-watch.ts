/** Reads what the instances of both sides use, for as long as their release is judged. */
import type { SaturationChoice } from '../../core/judge/guard-choices.ts';
import { type InstanceUsage, SaturationGuard, type UnitOfWork } from '../../core/judge/saturation-guard.ts';
import type { GuardRecords } from '../../core/judge/guard-records.ts';
import type { GuardFinding } from '../../core/judge/verdict.ts';
import type { InstanceRecord, ReleaseRecord } from '../../core/release/records.ts';
import type { Usage } from '../../ports/runtime.ts';
import { type GuardParts, type GuardSource, repeat, sidesAmong, sidesOf } from './guard-source.ts';

export interface UsageOrder {
  readonly choice: SaturationChoice;
  /** What each of its guards may spend. */
  readonly falseAlarms: number;
  readonly release: ReleaseRecord;
  /** What processor time is compared by; null: nothing that is known. */
  readonly unit: UnitOfWork | null;
  /** What an earlier control gathered. */
  readonly before: GuardRecords | null;
}

export class UsageWatch implements GuardSource {
  readonly #parts: GuardParts;
  readonly #order: UsageOrder;
  readonly #guard: SaturationGuard;
  readonly #closing = new AbortController();
  readonly #unsubscribe: () => void;

  constructor(order: UsageOrder, parts: GuardParts) {
    this.#parts = parts;
    this.#order = order;
    const { choice, falseAlarms, unit, before } = order;
    this.#guard = new SaturationGuard(choice, falseAlarms, {
      unit: unit ?? 'request',
      ...(before?.saturation && { before: before.saturation }),
      atMs: this.#nowMs,
    });
    this.#unsubscribe = parts.fleet.onCrash(() => this.#lookAtRestarts());
    this.#lookAtRestarts();
    void repeat(order.choice.everyMs, () => this.#look(), parts.ports, this.#closing.signal);
  }

  get #nowMs(): number {
    return this.#parts.ports.clock.monotonicMs();
  }

  async #look(): Promise<void> {
    const { runtime, plane } = this.#parts.ports;
    const { candidate, stable } = sidesOf(this.#order.release, this.#parts);
    const ids = [...candidate, ...stable].map(({ id }) => id);
    // What cannot be looked into now may be at the next look: no reading is no evidence (R8).
    const usage = await runtime.usage(ids).catch(() => new Map<string, Usage>());
    if (this.#closing.signal.aborted) return;
    const counts = plane.report()?.instances ?? [];
    const requests = new Map(counts.map(({ instance, requests: count }) => [instance, count]));
    const isCounted = this.#order.unit === 'request' && plane.report() !== null;
    const used = (instances: readonly InstanceRecord[]): InstanceUsage[] =>
      instances.flatMap(({ id }) => {
        const found = usage.get(id);
        if (!found) return [];
        const { checks } = this.#parts.fleet.health(id);
        return [{ id, ...found, requests: isCounted ? (requests.get(id) ?? 0) : null, checks }];
      });
    this.#guard.take({ atMs: this.#nowMs, candidate: used(candidate), stable: used(stable) });
    this.#lookAtRestarts();
  }

  /** Of those that are between two runs as well; what ended while control was away has been written down by now. */
  #lookAtRestarts(): void {
    const { release } = this.#order;
    const once = this.#parts.ledger.instances.filter(({ wasReady }) => wasReady);
    const { candidate, stable } = sidesAmong(release, once);
    const restartsOf = ({ id, restarts }: InstanceRecord) => ({ id, restarts: restarts ?? 0 });
    this.#guard.takeRestarts({ candidate: candidate.map(restartsOf), stable: stable.map(restartsOf) });
  }

  beginStage(): void {
    // What it finds is never a reason to go on.
  }

  findings(): GuardFinding[] {
    return this.#guard.findings();
  }

  addTo(records: GuardRecords): GuardRecords {
    return { ...records, saturation: this.#guard.gathered };
  }

  close(): void {
    this.#closing.abort();
    this.#unsubscribe();
  }
}

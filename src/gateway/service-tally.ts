/**
 * Counts of one service by the weight under which a request was given to its version (T5), and the sum of all:
 * it outlives instances, weights and the service's place in the routing, so no total ever falls.
 */
import { limits } from '../core/limits.ts';
import type {
  AssignedCounts,
  Assignment,
  FailureEvent,
  FailureKind,
  ServiceCounts,
  Totals,
} from '../core/traffic/counts.ts';
import { KeySketch } from '../core/traffic/key-sketch.ts';
import { mergeTotals } from '../core/traffic/merge-counts.ts';
import { assignmentKey } from '../core/traffic/row-kinds.ts';
import { type CountedShare, type FlagCounted, type FlagCounts, flagCountsKey } from '../core/flags/edge.ts';
import type { ShadowCounts } from '../core/traffic/shadow.ts';
import { nowMs } from './clock.ts';
import type { FailureRing } from './failure-ring.ts';
import { OutcomeCounter } from './outcome-counter.ts';
import { ShadowTally } from './shadow-tally.ts';

interface Held {
  readonly heldTotal: number;
  readonly waiting: number;
}

/** One weight of one version. */
export class AssignedRow extends OutcomeCounter {
  readonly assignment: Assignment;
  readonly #failures: FailureRing;
  #decisions = 0;
  #keys: KeySketch | null = null;

  constructor(assignment: Assignment, failures: FailureRing) {
    super();
    this.assignment = assignment;
    this.#failures = failures;
  }

  /** Somebody was put here who could have been put elsewhere. */
  countDecision(): void {
    this.#decisions += 1;
    this.changed = true;
  }

  /** Whom a hash of requests put here: nobody remembers whether it was here before, so it is told who was. */
  countKey(hash: number): void {
    // Without a weight there is nobody to compare with.
    if (this.assignment.group === null) return;
    this.#keys ??= new KeySketch();
    if (this.#keys.add(hash)) this.changed = true;
  }

  /** `of` is what only the request knows. */
  failure(
    of: Pick<FailureEvent, 'instance' | 'routing' | 'session' | 'shared'>,
    kind: FailureKind,
    status: number | null,
  ): void {
    this.#failures.push({ ...this.assignment, ...of, atMs: nowMs(), kind, status });
  }

  counts(): AssignedCounts {
    const counts = { ...this.assignment, ...this.outcomes(), decisions: this.#decisions };
    return this.#keys ? { ...counts, keys: this.#keys.text } : counts;
  }
}

/** One variant of a flag that is evaluated here; of a roll-out, under one share and at one version. */
export class FlagRow extends OutcomeCounter {
  readonly #of: FlagCounted;
  #keys: KeySketch | null = null;

  constructor(of: FlagCounted) {
    super();
    this.#of = of;
  }

  countKey(hash: number): void {
    this.#keys ??= new KeySketch();
    if (this.#keys.add(hash)) this.changed = true;
  }

  counts(): FlagCounts {
    const counts = { ...this.#of, ...this.outcomes() };
    return this.#keys ? { ...counts, keys: this.#keys.text } : counts;
  }
}

export class ServiceTally {
  readonly service: string;
  readonly #failures: FailureRing;
  /** In order of first use. */
  readonly #rows = new Map<string, AssignedRow>();
  /** By version, the one that was used last at the end. */
  readonly #shadows = new Map<string, ShadowTally>();
  readonly #flags = new Map<string, FlagRow>();
  /** Of roll-outs, the one that was used last at the end. */
  readonly #shared = new Map<string, FlagRow>();
  #givenUp: Totals = { answered: [0, 0, 0, 0], failed: 0, abandoned: 0, retried: 0 };
  #refused = 0;
  #turnedAway = 0;
  #shadowed = 0;
  #shadowsDropped = 0;
  #hold: Held = { heldTotal: 0, waiting: 0 };
  #heldBefore = 0;
  /** The counts that rows do not have, as they were told last. */
  #told: readonly number[] = [];

  constructor(service: string, failures: FailureRing) {
    this.service = service;
    this.#failures = failures;
  }

  row({ version, group, percent, rule }: Omit<Assignment, 'service'>): AssignedRow {
    const assignment: Assignment = { service: this.service, version, group, percent, rule };
    const key = assignmentKey(assignment);
    let row = this.#rows.get(key);
    if (row) this.#rows.delete(key);
    else row = new AssignedRow(assignment, this.#failures);
    this.#rows.set(key, row);
    if (this.#rows.size > limits.gateway.assignedRowsMax) this.#giveUpOldest();
    return row;
  }

  /** Null: there is no room for another one. */
  flagRow(flag: string, variant: string): FlagRow | null {
    const of = { service: this.service, flag, variant };
    const key = flagCountsKey(of);
    const known = this.#flags.get(key);
    if (known) return known;
    if (this.#flags.size >= limits.gateway.flagRowsMax) return null;
    const row = new FlagRow(of);
    this.#flags.set(key, row);
    return row;
  }

  /** Of a roll-out. Rows of earlier shares make room. */
  sharedRow(flag: string, variant: string, share: CountedShare): FlagRow {
    const of = { service: this.service, flag, variant, share };
    const key = flagCountsKey(of);
    const row = this.#shared.get(key) ?? new FlagRow(of);
    this.#shared.delete(key);
    this.#shared.set(key, row);
    const [oldest] = this.#shared.keys();
    if (this.#shared.size > limits.gateway.flagSharesMax && oldest !== undefined) this.#shared.delete(oldest);
    return row;
  }

  flags(): FlagCounts[] {
    return [...this.#flags.values(), ...this.#shared.values()].map((row) => row.counts());
  }

  refusedOne(): void {
    this.#refused += 1;
  }

  turnedAwayOne(): void {
    this.#turnedAway += 1;
  }

  shadowSent(): void {
    this.#shadowed += 1;
  }

  shadowDropped(): void {
    this.#shadowsDropped += 1;
  }

  /** Of copies for this version. */
  shadowOf(version: string): ShadowTally {
    const known = this.#shadows.get(version);
    const tally = known ?? new ShadowTally(this.service, version);
    this.#shadows.delete(version);
    this.#shadows.set(version, tally);
    const [oldest] = this.#shadows.keys();
    if (this.#shadows.size > limits.gateway.shadowTalliesMax && oldest !== undefined)
      this.#shadows.delete(oldest);
    return tally;
  }

  shadows(): ShadowCounts[] {
    return [...this.#shadows.values()].map((tally) => tally.counts());
  }

  /** Where requests of the service wait from now on. */
  watch(hold: Held): void {
    this.#heldBefore += this.#hold.heldTotal;
    this.#hold = hold;
  }

  assigned(): AssignedCounts[] {
    return [...this.#rows.values()].map((row) => row.counts());
  }

  /** What was counted since the last call. */
  changes(): {
    service: ServiceCounts | null;
    assigned: AssignedCounts[];
    shadows: ShadowCounts[];
    flags: FlagCounts[];
  } {
    const rows = [...this.#rows.values()].filter(({ changed }) => changed);
    for (const row of rows) row.changed = false;
    const { heldTotal, waiting } = this.#hold;
    const own = [heldTotal, waiting, this.#refused, this.#turnedAway, this.#shadowed, this.#shadowsDropped];
    const same = rows.length === 0 && own.every((count, at) => count === this.#told[at]);
    this.#told = own;
    return {
      service: same ? null : this.counts(),
      assigned: rows.map((row) => row.counts()),
      shadows: this.#shadowChanges(),
      flags: this.#flagChanges(),
    };
  }

  counts(): ServiceCounts {
    const rows = [...this.#rows.values()].map((row) => row.totals());
    return {
      service: this.service,
      heldTotal: this.#heldBefore + this.#hold.heldTotal,
      holding: this.#hold.waiting,
      refused: this.#refused,
      turnedAway: this.#turnedAway,
      shadowed: this.#shadowed,
      shadowsDropped: this.#shadowsDropped,
      ...rows.reduce(mergeTotals, this.#givenUp),
    };
  }

  #flagChanges(): FlagCounts[] {
    const changed = [...this.#flags.values(), ...this.#shared.values()].filter((row) => row.changed);
    for (const row of changed) row.changed = false;
    return changed.map((row) => row.counts());
  }

  #shadowChanges(): ShadowCounts[] {
    const changed = [...this.#shadows.values()].filter((tally) => tally.changed);
    for (const tally of changed) tally.changed = false;
    return changed.map((tally) => tally.counts());
  }

  #giveUpOldest(): void {
    const [oldest] = this.#rows;
    if (!oldest) return;
    const [key, row] = oldest;
    this.#givenUp = mergeTotals(this.#givenUp, row.totals());
    this.#rows.delete(key);
  }
}

/**
 * What the judge sees of a roll-out: requests that got the new variant as the candidate's and those that kept the other
 * one as stable's, beside each other at one version of one service under one share (T5). Whom a rule of the flag gave
 * its variant is on no side, nor are requests at the candidate of a release of the service, which has a judge of its own.
 */
import type { AssignedCounts, Assignment, FailureEvent } from '../traffic/counts.ts';
import { countKeys, KEY_BITS } from '../traffic/key-sketch.ts';
import { assignmentKey } from '../traffic/report-book.ts';
import type { Group } from '../traffic/split.ts';
import type { CountedShare, FlagCounted, FlagCounts } from './edge.ts';
import { type Rollout, subjectOf } from './rollout.ts';

/** Which version of a service counts. */
export type StableOf = (service: string) => string | null;

/**
 * Whether the split is the one asked for is looked at with so many users. A sketch has not quite as many as there were,
 * and up to here that is too little to be taken for another split.
 */
const SAMPLE_KEYS = KEY_BITS / 10;

export class RolloutRows {
  readonly #release: string;
  readonly #rollout: Rollout;
  /** Users of each row that the split is looked at with. */
  readonly #sampled: Map<string, number>;

  /** `seen`: rows as they were counted in before. */
  constructor(release: string, rollout: Rollout, seen: readonly AssignedCounts[]) {
    this.#release = release;
    this.#rollout = rollout;
    this.#sampled = new Map(seen.map((row) => [assignmentKey(row), row.decisions]));
  }

  rowsOf(flags: readonly FlagCounts[], stableOf: StableOf): AssignedCounts[] {
    const rows = flags.flatMap(({ service, flag, variant, share, keys, ...outcomes }) => {
      const assignment = share ? this.#placeOf({ service, flag, variant }, share, stableOf) : null;
      return assignment ? [{ ...assignment, ...outcomes, keys, decisions: 0 }] : [];
    });
    const beside = Map.groupBy(rows, ({ rule, group, percent }) =>
      [rule, group === 'candidate' ? percent : 100 - (percent ?? 0)].join(' '),
    );
    return [...beside.values()].flatMap((both) => this.#sample(both));
  }

  failuresOf(failures: readonly FailureEvent[], stableOf: StableOf): FailureEvent[] {
    return failures.flatMap((failure) => {
      const { service, version, shared } = failure;
      const assignments = (shared?.flags ?? []).flatMap(
        (got) => this.#placeOf({ ...got, service }, { ...got, version }, stableOf) ?? [],
      );
      return assignments.map((assignment) => ({
        ...failure,
        ...assignment,
        session: shared?.visitor ?? null,
      }));
    });
  }

  #placeOf(
    { service, flag, variant }: FlagCounted,
    { release, version, percent }: CountedShare,
    stableOf: StableOf,
  ): Assignment | null {
    const { to, from, services } = this.#rollout;
    if (release !== this.#release || flag !== this.#rollout.flag) return null;
    if (!services.includes(service) || stableOf(service) !== version) return null;
    const group: Group | null = variant === to ? 'candidate' : variant === from ? 'stable' : null;
    const rule = `${service} ${version}`;
    return group && { service: subjectOf(flag), version: variant, group, percent, rule };
  }

  /** Both sides are looked at up to the same moment: the last one at which neither sketch was too full. */
  #sample(rows: readonly AssignedCounts[]): AssignedCounts[] {
    const counted = rows.map((row) => ({ row, keys: countKeys(row.keys) }));
    const isFull = counted.some(({ keys }) => keys > SAMPLE_KEYS);
    return counted.map(({ row, keys }) => {
      const before = this.#sampled.get(assignmentKey(row)) ?? 0;
      // Fewer than before: the gateway was started again and counts from zero.
      const decisions = isFull && keys >= before ? before : keys;
      this.#sampled.set(assignmentKey(row), decisions);
      return { ...row, decisions };
    });
  }
}

/**
 * What the judge sees of a roll-out: requests that got the new variant as the candidate's and those that kept the other
 * one as stable's, beside each other at one version of one service under one share (T5). Whom a rule of the flag gave
 * its variant is on no side, nor are requests at the candidate of a release of the service, which has a judge of its own.
 */
import type { AssignedCounts, Assignment, FailureEvent, Outcomes } from '../traffic/counts.ts';
import { countKeys, KEY_BITS, mergeKeys } from '../traffic/key-sketch.ts';
import { ASSIGNED, assignmentKey } from '../traffic/row-kinds.ts';
import { summed } from '../traffic/worker-rows.ts';
import type { Group } from '../traffic/split.ts';
import type { CountedShare, FlagCounted, FlagCounts } from './edge.ts';
import { type Rollout, subjectOf } from './rollout.ts';

/** Which version of a service counts. */
export type StableOf = (service: string) => string | null;

const NOTHING: Outcomes = {
  ...{ answered: [0, 0, 0, 0], failed: 0, abandoned: 0, retried: 0 },
  ...{ latency: [], latencySumMs: 0 },
};

/**
 * Whether the split is the one asked for is looked at with so many users. A sketch has not quite as many as there were,
 * and up to here that is too little to be taken for another split.
 */
const SAMPLE_KEYS = KEY_BITS / 10;

/** Counts users, whichever workers they met: a row of its own, beside those of the workers. */
const USERS = 'users';

export class RolloutRows {
  readonly #release: string;
  readonly #rollout: Rollout;
  /** Who was there, as a sketch, and how many of them the split is looked at with. */
  readonly #sampled: Map<string, AssignedCounts>;

  /** `seen`: rows as they were counted in before. */
  constructor(release: string, rollout: Rollout, seen: readonly AssignedCounts[]) {
    this.#release = release;
    this.#rollout = rollout;
    const counted = seen.filter(({ worker }) => worker === undefined || worker === USERS);
    this.#sampled = new Map(counted.map((row) => [assignmentKey(row), row]));
  }

  rowsOf(flags: readonly FlagCounts[], stableOf: StableOf): AssignedCounts[] {
    const rows = flags.flatMap(({ service, flag, variant, share, ...counts }) => {
      const assignment = share ? this.#placeOf({ service, flag, variant }, share, stableOf) : null;
      return assignment ? [{ ...counts, ...assignment, decisions: 0 }] : [];
    });
    const beside = Map.groupBy(rows, ({ rule, group, percent }) =>
      [rule, group === 'candidate' ? percent : 100 - (percent ?? 0)].join(' '),
    );
    const sums = [...beside.values()].flatMap((both) => this.#sample(both));
    if (rows.some(({ worker }) => worker === undefined)) return sums;
    const users = [...this.#sampled.values()].filter(({ worker }) => worker === USERS);
    return [...rows.map(withoutKeys), ...users];
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

  /**
   * Both sides are looked at up to the same moment: the last one at which neither sketch was too full. A sketch that is
   * said anew, by a gateway that was started again, is of the same users.
   */
  #sample(rows: readonly AssignedCounts[]): AssignedCounts[] {
    const isTold = rows.every(({ worker }) => worker !== undefined);
    const counted = summed(rows, ASSIGNED).map((row) => {
      const before = this.#sampled.get(assignmentKey(row));
      const keys = mergeKeys(before?.keys, row.keys);
      return { row, keys, before: before?.decisions ?? 0, count: countKeys(keys) };
    });
    const isFull = counted.some(({ count }) => count > SAMPLE_KEYS);
    return counted.map(({ row, keys, before, count }) => {
      const decisions = isFull ? before : Math.max(before, count);
      const sampled = { ...row, ...(isTold ? { ...NOTHING, worker: USERS } : {}), decisions };
      const now = keys === '' ? sampled : { ...sampled, keys };
      this.#sampled.set(assignmentKey(row), now);
      return now;
    });
  }
}

const withoutKeys = ({ keys: _keys, ...row }: AssignedCounts): AssignedCounts => row;

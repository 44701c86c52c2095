/**
 * Instances that ended and were started again, each counted by itself: one that keeps ending, and more of the
 * candidate's that end than of stable's. For the latter only the first end of an instance counts, since those after it
 * have its cause: of all that have not ended yet, the next one to end is the candidate's with the probability of its
 * part of them, if both are alike. That is the e-process of `ratio.ts` (a log-rank test that may be looked at all the
 * time: ter Schure, Perez-Ortiz, Ly & Grunwald, arXiv 2011.06931).
 */
import { count } from '../units.ts';
import { type BadRequests, evidenceOfWorse } from './ratio.ts';
import { type Evidence, evidenceFrom, type GuardFinding, isReached, NOT_MEASURED } from './verdict.ts';

/** Of one instance that was ready once. */
export interface InstanceRestarts {
  readonly id: string;
  /** Since it was made. */
  readonly restarts: number;
}

export type RestartsReading = Readonly<Record<Name, readonly InstanceRestarts[]>>;

type Name = 'candidate' | 'stable';

/** Of one instance: what it had when it was first seen, and what it has now. */
interface Seen {
  readonly before: number;
  readonly now: number;
}

export interface RestartsGathered {
  readonly candidate: Readonly<Record<string, Seen>>;
  readonly stable: Readonly<Record<string, Seen>>;
  readonly firsts: readonly BadRequests[];
}

export const NO_RESTARTS: RestartsGathered = { candidate: {}, stable: {}, firsts: [] };

/** Instances of two versions that were not started together are not quite alike. */
const TOLERATED_RATIO = 2;

const ownOf = ({ before, now }: Seen) => now - before;

/** Given `more`: `gathered` with it. A restart of the candidate's is one whenever it was, stable's since it was seen. */
export function withRestarts(gathered: RestartsGathered, more: RestartsReading): RestartsGathered {
  let { firsts } = gathered;
  const seen = { candidate: { ...gathered.candidate }, stable: { ...gathered.stable } };
  for (const name of ['candidate', 'stable'] as const)
    for (const { id, restarts } of more[name])
      seen[name][id] ??= { before: name === 'stable' ? restarts : 0, now: name === 'stable' ? restarts : 0 };
  for (const name of ['candidate', 'stable'] as const) {
    for (const { id, restarts } of more[name]) {
      const known = seen[name][id];
      if (!known || restarts <= known.now) continue;
      if (ownOf(known) === 0) firsts = withFirst(firsts, shareAtRisk(seen, more), name);
      seen[name][id] = { ...known, now: restarts };
    }
  }
  return { ...seen, firsts };
}

/** The candidate's part of those that run and have not ended yet. */
function shareAtRisk(seen: Omit<RestartsGathered, 'firsts'>, { candidate, stable }: RestartsReading): number {
  const atRisk = (name: Name, all: readonly InstanceRestarts[]) =>
    all.filter(({ id }) => ownOf(seen[name][id] ?? { before: 0, now: 0 }) === 0).length;
  const mine = atRisk('candidate', candidate);
  return mine / (mine + atRisk('stable', stable));
}

function withFirst(rows: readonly BadRequests[], share: number, name: Name): readonly BadRequests[] {
  if (share <= 0 || share >= 1) return rows;
  const row = rows.find((each) => each.share === share) ?? { share, candidate: 0, stable: 0 };
  return [...rows.filter((each) => each !== row), { ...row, [name]: row[name] + 1 }];
}

/** `tolerated`: of one instance, beyond the most that one of stable's had meanwhile. */
export function restartsFinding(
  { candidate, stable, firsts }: RestartsGathered,
  tolerated: number,
  falseAlarms: number,
): GuardFinding {
  const mine = Object.entries(candidate).map(([id, seen]) => ({ id, own: ownOf(seen) }));
  const worst = mine.toSorted((a, b) => b.own - a.own)[0];
  const finding = { guard: 'restarts', role: 'alarm' } as const;
  if (!worst || worst.own === 0)
    return { ...finding, verdict: 'not-enough-evidence', worse: null, proof: NOT_MEASURED };
  const theirs = Object.values(stable).map(ownOf);
  const most = Math.max(0, ...theirs);
  const ended = (own: readonly number[]) => `${own.filter((each) => each > 0).length} of ${own.length}`;
  const worse = evidenceOfFirsts(firsts, falseAlarms);
  const isWorse = worst.own > tolerated + most || isReached(worse);
  const one = `${worst.id} ${count(worst.own, 'restart')}, stable's at most ${most}; ${tolerated} tolerated`;
  const all = `${ended(mine.map(({ own }) => own))} instances, stable ${ended(theirs)}`;
  return {
    ...{ ...finding, worse, proof: `${one}; ${all}` },
    verdict: isWorse ? 'worse' : 'not-enough-evidence',
  };
}

function evidenceOfFirsts(firsts: readonly BadRequests[], falseAlarms: number): Evidence {
  const bad = firsts.reduce((sum, { candidate }) => sum + candidate, 0);
  return evidenceFrom(evidenceOfWorse(firsts, TOLERATED_RATIO), falseAlarms, { bad, requests: bad });
}

/**
 * What a release may be judged by, gathered from the gateway's cumulative counts (T5): since it began, and since its
 * stage began. Kept with the counts that it has in it, so that whoever goes on after a crash counts nothing twice
 * and leaves nothing out.
 */
import { limits } from '../limits.ts';
import type { AssignedCounts, Assignment, FailureEvent } from '../traffic/counts.ts';
import type { Group } from '../traffic/split.ts';
import { type Cell, cellKey, grownCell, observationOf, type Place, placeOf, type Weights } from './cell.ts';
import { grownSince, type Marks, marksOf, NOBODY } from './grown.ts';
import type { GuardRecords } from './guard-records.ts';
import { errorRate, total } from './measure.ts';
import type { Observation, Side } from './observed.ts';
import type { Rate } from './rate.ts';

export interface EvidenceRecord {
  readonly release: string;
  readonly service: string;
  readonly from: string | null;
  readonly to: string;
  /** The rows of the gateway's workers as they were counted in last. */
  readonly seen: readonly AssignedCounts[];
  /** Index of the step that began the stage; -1: none has begun. */
  readonly stage: number;
  readonly stageAtMs: number;
  /** Of all stages so far that had some, the newest last. */
  readonly weights: readonly Weights[];
  readonly cells: readonly Cell[];
  readonly stageCells: readonly Cell[];
  /** The stage's new instances have not run for long enough to say anything about latencies. */
  readonly cold: boolean;
  /** Sessions that met an error, by side; in the release and in the stage. */
  readonly sessions: Sessions;
  readonly stageSessions: Sessions;
  /** What the guards beside the counts have; absent: nothing. */
  readonly guards?: GuardRecords;
}

export type Sessions = Readonly<Record<Group, readonly string[]>>;

const NONE: Rate = { bad: 0, requests: 0 };
const NO_SESSIONS: Sessions = { candidate: [], stable: [], baseline: [] };

export interface Stage {
  readonly index: number;
  readonly atMs: number;
  /** Null: everything goes to the candidate, or nobody is weighed. */
  readonly weights: Weights | null;
  /** It has instances that had no request before. */
  readonly cold: boolean;
}

export function beginEvidence(
  of: Pick<EvidenceRecord, 'release' | 'service' | 'from' | 'to'>,
  rows: readonly AssignedCounts[],
): EvidenceRecord {
  const nothing = { weights: [], cells: [], stageCells: [], cold: false } as const;
  return {
    ...of,
    ...nothing,
    seen: rows.filter((row) => isOf(row, of)),
    stage: -1,
    stageAtMs: 0,
    sessions: NO_SESSIONS,
    stageSessions: NO_SESSIONS,
  };
}

export interface News {
  /** Of the service, whole rows. */
  readonly rows: readonly AssignedCounts[];
  /** Failed requests since the last time; only read where traffic is sticky. */
  readonly failures: readonly FailureEvent[];
  readonly sticky: boolean;
  /** Whoever has none of the rows will never have one again; left out: that is not known. */
  readonly settled?: boolean;
}

export class EvidenceBook {
  readonly #of: Pick<EvidenceRecord, 'release' | 'service' | 'from' | 'to'>;
  readonly #seen: Marks;
  readonly #release: Account;
  #stage: Account;
  #weights: readonly Weights[];
  #index: number;
  #stageAtMs: number;
  #cold: boolean;
  #newest: Rate = NONE;

  constructor({ release, service, from, to, ...record }: EvidenceRecord) {
    this.#of = { release, service, from, to };
    this.#seen = marksOf(record.seen);
    this.#release = new Account(record.cells, record.sessions);
    this.#stage = new Account(record.stageCells, record.stageSessions);
    this.#weights = record.weights;
    this.#index = record.stage;
    this.#stageAtMs = record.stageAtMs;
    this.#cold = record.cold;
  }

  get stage(): number {
    return this.#index;
  }

  get stageAtMs(): number {
    return this.#stageAtMs;
  }

  /** Of the candidate, request by request: what came with the last news. */
  get newest(): Rate {
    return this.#newest;
  }

  get cold(): boolean {
    return this.#cold;
  }

  /** The first that was heard of the candidate's requests in this stage. */
  get begun(): boolean {
    return this.#stage.cells.some(({ sides }) => sides.candidate.requests > 0);
  }

  enter({ index, atMs, weights, cold }: Stage): void {
    this.#index = index;
    this.#stageAtMs = atMs;
    this.#stage = new Account([], NO_SESSIONS);
    this.#cold = cold;
    if (weights) this.expect(weights);
  }

  /** Rows under these weights may come from now on: the gateway may run them before it is known that it does. */
  expect(weights: Weights): void {
    const { candidate, baseline } = this.#weights.at(-1) ?? {};
    if (candidate === weights.candidate && baseline === weights.baseline) return;
    this.#weights = [...this.#weights, weights];
  }

  /** From here on latencies count. */
  warm(): void {
    this.#cold = false;
  }

  /** True when something of it counts. */
  take({ rows, failures, sticky, settled = false }: News): boolean {
    let counted = false;
    this.#newest = NONE;
    const own = rows.filter((row) => isOf(row, this.#of));
    for (const { row, before } of this.#seen.take(own, settled)) {
      const place = placeOf(row, this.#of, this.#weights);
      if (!place) continue;
      const grown = grownSince(before, row);
      if (place.group === 'candidate') this.#newest = total([this.#newest, errorRate(grown)]);
      counted = this.#count(place, this.#heard(grown, place, sticky)) || counted;
    }
    if (sticky) for (const failure of failures) counted = this.#met(failure) || counted;
    return counted;
  }

  /** Sessions tell their errors one by one; what is cold says nothing of latencies, unless its baseline is as cold. */
  #heard(grown: Side, { baseline }: Place, sticky: boolean): Side {
    const errors = sticky ? 0 : grown.errors;
    const latency = this.#cold && baseline === 0 ? [] : grown.latency;
    return { ...grown, errors, latency };
  }

  #count(place: Place, side: Side): boolean {
    // A row of users has nobody's requests.
    if (side.requests + side.assigned === 0 && side.keys === undefined) return false;
    this.#release.add(place, side);
    this.#stage.add(place, side);
    return true;
  }

  #met(failure: FailureEvent): boolean {
    if (!isOf(failure, this.#of)) return false;
    const place = placeOf(failure, this.#of, this.#weights);
    if (!place) return false;
    const inRelease = this.#release.meet(place, failure.session);
    return this.#stage.meet(place, failure.session) || inRelease;
  }

  observed(): { readonly release: Observation[]; readonly stage: Observation[] } {
    return { release: this.#release.observed(), stage: this.#stage.observed() };
  }

  record(): Omit<EvidenceRecord, 'guards'> {
    return {
      ...this.#of,
      seen: this.#seen.values(),
      stage: this.#index,
      stageAtMs: this.#stageAtMs,
      weights: this.#weights,
      cells: this.#release.cells,
      stageCells: this.#stage.cells,
      cold: this.#cold,
      sessions: this.#release.sessions,
      stageSessions: this.#stage.sessions,
    };
  }
}

/** Cells, and who met an error in them already. */
class Account {
  readonly #cells: Map<string, Cell>;
  #sessions: Record<Group, Set<string>>;

  constructor(cells: readonly Cell[], { candidate, stable, baseline }: Sessions) {
    this.#cells = new Map(cells.map((cell) => [cellKey(cell), cell]));
    this.#sessions = {
      candidate: new Set(candidate),
      stable: new Set(stable),
      baseline: new Set(baseline),
    };
  }

  get cells(): readonly Cell[] {
    return [...this.#cells.values()];
  }

  get sessions(): Sessions {
    const { candidate, stable, baseline } = this.#sessions;
    return { candidate: [...candidate], stable: [...stable], baseline: [...baseline] };
  }

  add(place: Place, side: Side): void {
    const key = cellKey(place);
    this.#cells.set(key, grownCell(this.#cells.get(key), place, side));
  }

  /**
   * The first error of a session counts, on whichever side: a weight that rises moves sessions to the candidate, and
   * those that fail everywhere would be held against it alone, because stable had them before. Past the bound all are
   * forgotten, on every side at once, so that none looks better for it; who comes again then counts once more.
   */
  meet(place: Place, session: string | null): boolean {
    const known = this.#sessions[place.group];
    if (session !== null) {
      if (Object.values(this.#sessions).some((side) => side.has(session))) return false;
      if (known.size >= limits.judge.sessionsMax)
        this.#sessions = { candidate: new Set(), stable: new Set(), baseline: new Set() };
      this.#sessions[place.group].add(session);
    }
    this.add(place, { ...NOBODY, errors: 1 });
    return true;
  }

  /** Whom a rule gives everything has nobody beside it, and is not everybody. */
  observed(): Observation[] {
    return this.cells.map(observationOf).filter(({ rule, share }) => rule === null || share < 1);
  }
}

function isOf(
  { service, version }: Assignment,
  of: Pick<EvidenceRecord, 'service' | 'from' | 'to'>,
): boolean {
  return service === of.service && (version === of.to || version === of.from);
}

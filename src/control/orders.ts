/**
 * What people say to a release under way: go back, wait, go on, past this gate. Each is one durable write under
 * a name and a reason; the engine finds it in the ledger, now or after a restart. Back, wait and go on are for
 * all services that are released together; a gate belongs to one.
 */
import { SegueError } from '../core/errors.ts';
import { refusalOf } from '../core/flags/rollout.ts';
import { type Extent, gatesWithin, type Word } from '../core/release/gate.ts';
import type { ReleaseRecord } from '../core/release/records.ts';
import { isPromoted, type ReleaseState } from '../core/release/state.ts';
import { describeStep } from '../core/release/step.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ledger } from './ledger.ts';
import type { Happening, ReleaseBook } from './release-book.ts';

export interface OrdersParts {
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly book: ReleaseBook;
}

type Forward = Extract<ReleaseState, { phase: 'forward' }>;

export class Orders {
  readonly #clock: Clock;
  readonly #ledger: Ledger;
  readonly #book: ReleaseBook;

  constructor({ clock, ledger, book }: OrdersParts) {
    this.#clock = clock;
    this.#ledger = ledger;
    this.#book = book;
  }

  /** Turns the release round. Throws NO_ACTIVE_RELEASE once it has promoted its version. */
  abort(service: string, { by, reason }: Word): Promise<ReleaseRecord> {
    return this.#tell(service, ({ id, state, plan }) => {
      if (state.phase === 'ended' || isPromoted(state, plan.steps))
        throw new SegueError(
          'NO_ACTIVE_RELEASE',
          `${id} has already promoted its version; use "segue rollback ${service}".`,
        );
      const word = { by, reason };
      return { fact: { kind: 'abort-asked', ...word }, event: { type: 'abort-asked', ...word } };
    });
  }

  /** The step under way goes on, the next one does not begin. Whoever paused it first stays named. */
  pause(service: string, { by, reason }: Word): Promise<ReleaseRecord> {
    return this.#tell(service, (release) => {
      if (forwardOf(release).paused) return null;
      const word = { by, reason };
      const event = { type: 'paused', ...word, atMs: this.#clock.nowMs() } as const;
      return { fact: { kind: 'paused', ...word }, event };
    });
  }

  resume(service: string, { by, reason }: Word): Promise<ReleaseRecord> {
    return this.#tell(service, (release) => {
      if (!forwardOf(release).paused) throw new SegueError('NOT_PAUSED', `${release.id} of ${service}.`);
      const word = { by, reason };
      return { fact: { kind: 'resumed', ...word }, event: { type: 'resumed', ...word } };
    });
  }

  approve(service: string, { by, reason }: Word): Promise<ReleaseRecord> {
    return this.#tell(service, (release) => {
      const { at: index } = forwardOf(release);
      const step = release.plan.steps[index];
      if (step?.kind !== 'approve') throw new SegueError('NOTHING_TO_APPROVE', whereIs(release, index));
      refuseOwnWord(release, [index], by);
      const word = { index, by, reason };
      return { fact: { kind: 'approved', ...word }, event: { type: 'approved', ...word } };
    });
  }

  /** Past gates only: what starts, tests, routes and drains is never skipped. */
  promote(service: string, extent: Extent, { by, reason }: Word): Promise<ReleaseRecord> {
    return this.#tell(service, (release) => {
      const { at } = forwardOf(release);
      const indexes = gatesWithin(release.plan.steps, at, extent);
      if (indexes.length === 0) throw new SegueError('NO_GATE', whereIs(release, at));
      refuseOwnWord(release, indexes, by);
      const word = { indexes, by, reason };
      return { fact: { kind: 'gates-waived', ...word }, event: { type: 'gates-waived', ...word } };
    });
  }

  /** Null: nothing is to be said. */
  async #tell(service: string, decide: (release: ReleaseRecord) => Happening | null): Promise<ReleaseRecord> {
    const id = this.#ledger.service(service).activeRelease;
    const release = id === null ? undefined : await this.#book.tell(id, decide);
    if (!release) throw new SegueError('NO_ACTIVE_RELEASE', service);
    return release;
  }
}

/** Throws TOO_LATE when nothing can be changed about its way any more. */
function forwardOf({ id, state, plan }: ReleaseRecord): Forward {
  if (state.phase !== 'forward') throw new SegueError('TOO_LATE', `${id} goes back already.`);
  if (isPromoted(state, plan.steps)) throw new SegueError('TOO_LATE', `${id} has promoted its version.`);
  return state;
}

/** Two people decide of some flags: one of them has, by asking for it. */
function refuseOwnWord(release: ReleaseRecord, indexes: readonly number[], by: string): void {
  const refusal = refusalOf(release, indexes, by);
  if (refusal !== null) throw new SegueError('FLAG_REFUSED', refusal);
}

function whereIs({ id, plan }: ReleaseRecord, at: number): string {
  const step = plan.steps[at];
  return `${id} is at step ${at + 1} of ${plan.steps.length}: ${step ? describeStep(step) : 'its end'}.`;
}

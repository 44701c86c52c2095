/**
 * What people say to a release under way: go back, wait, go on, past this gate. Each is one durable write under
 * a name and a reason; the engine finds it in the ledger, now or after a restart.
 */
import { SegueError } from '../core/errors.ts';
import { type Extent, gatesWithin, type Word } from '../core/release/gate.ts';
import type { Fact } from '../core/release/journal.ts';
import type { ReleaseRecord } from '../core/release/records.ts';
import { isPromoted, type ReleaseEvent, type ReleaseState, transition } from '../core/release/state.ts';
import { describeStep } from '../core/release/step.ts';
import type { Clock } from '../ports/clock.ts';
import type { Engine } from './engine.ts';
import type { Ledger } from './ledger.ts';

export interface OrdersParts {
  readonly clock: Clock;
  readonly ledger: Ledger;
  readonly engine: Engine;
}

interface Told {
  readonly fact: Fact;
  readonly event: ReleaseEvent;
}

type Forward = Extract<ReleaseState, { phase: 'forward' }>;

export class Orders {
  readonly #clock: Clock;
  readonly #ledger: Ledger;
  readonly #engine: Engine;

  constructor({ clock, ledger, engine }: OrdersParts) {
    this.#clock = clock;
    this.#ledger = ledger;
    this.#engine = engine;
  }

  /** Turns the release round. Throws NO_ACTIVE_RELEASE once it has promoted its version. */
  async abort(service: string, { by, reason }: Word): Promise<ReleaseRecord> {
    const release = await this.#tell(service, ({ id, state, plan }) => {
      if (state.phase === 'ended' || isPromoted(state, plan.steps))
        throw new SegueError(
          'NO_ACTIVE_RELEASE',
          `${id} has already promoted its version; use "segue rollback".`,
        );
      const word = { by, reason };
      return { fact: { kind: 'abort-asked', ...word }, event: { type: 'abort-asked', ...word } };
    });
    this.#engine.interrupt(release.id, new SegueError('RELEASE_ABORTED', reason));
    return release;
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
      const word = { indexes, by, reason };
      return { fact: { kind: 'gates-waived', ...word }, event: { type: 'gates-waived', ...word } };
    });
  }

  /** Decided when the write has its turn, from what is true then. Null: nothing is to be said. */
  async #tell(service: string, decide: (release: ReleaseRecord) => Told | null): Promise<ReleaseRecord> {
    let told: ReleaseRecord | undefined;
    await this.#ledger.write(() => {
      const id = this.#ledger.service(service).activeRelease;
      const release = id === null ? undefined : this.#ledger.release(id);
      if (!release) throw new SegueError('NO_ACTIVE_RELEASE', service);
      const say = decide(release);
      told = say ? { ...release, state: transition(release.state, say.event, release.plan.steps) } : release;
      if (!say) return null;
      const changes = [{ put: 'release', record: told }] as const;
      return { facts: [say.fact], changes, service, release: release.id };
    });
    if (!told) throw new SegueError('NO_ACTIVE_RELEASE', service);
    return told;
  }
}

/** Throws TOO_LATE when nothing can be changed about its way any more. */
function forwardOf({ id, state, plan }: ReleaseRecord): Forward {
  if (state.phase !== 'forward') throw new SegueError('TOO_LATE', `${id} goes back already.`);
  if (isPromoted(state, plan.steps)) throw new SegueError('TOO_LATE', `${id} has promoted its version.`);
  return state;
}

function whereIs({ id, plan }: ReleaseRecord, at: number): string {
  const step = plan.steps[at];
  return `${id} is at step ${at + 1} of ${plan.steps.length}: ${step ? describeStep(step) : 'its end'}.`;
}

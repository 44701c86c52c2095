/**
 * Writes what happens to releases: a result and, with it, the intent of what follows, in one durable write. An
 * event counts only while the release is where it was when its act began. Services that are released together
 * go round and are promoted in one write, so that no crash leaves some of them behind (R5).
 */
import { heard, isThere } from '../core/release/group.ts';
import type { Fact } from '../core/release/journal.ts';
import type { ReleaseRecord } from '../core/release/records.ts';
import { type Act, nextAct, type ReleaseEvent, transition } from '../core/release/state.ts';
import type { Clock } from '../ports/clock.ts';
import type { Change, Store } from '../ports/store.ts';
import type { Ledger, Writing } from './ledger.ts';
import { beganAt } from './step-time.ts';

export type Apply = Extract<Act, { do: 'apply' }>;

/** What happened, as the machine takes it and as people read it. */
export interface Happening {
  readonly event: ReleaseEvent;
  readonly fact: Fact;
}

export interface BookParts {
  readonly ledger: Ledger;
  readonly store: Store;
  readonly clock: Clock;
  /** Called for every release that a write has turned round. */
  readonly onTurned: (release: ReleaseRecord) => void;
}

export class ReleaseBook {
  readonly #parts: BookParts;
  /** When the step under way began, for those that this control began. */
  readonly #beganAtMs = new Map<string, number>();

  constructor(parts: BookParts) {
    this.#parts = parts;
  }

  /** The intent is written by now, or is written here; resolves with the time when the step first began. */
  async begin({ id, state }: ReleaseRecord, act: Apply): Promise<number> {
    const { store, clock } = this.#parts;
    if ((state.phase === 'forward' || state.phase === 'back') && state.underWay) {
      const known = this.#beganAtMs.get(id);
      if (known !== undefined) return known;
      // It was under way when an earlier control died.
      return (await beganAt(id, act, store)) ?? clock.nowMs();
    }
    const intent: Happening = { event: { type: 'step-started' }, fact: startOf(act) };
    await this.tell(id, (now) => (isAct(now, act) && !isUnderWay(now.state) ? intent : null));
    return clock.nowMs();
  }

  /** The result of an act, unless the release is somewhere else by now. */
  async record(id: string, act: Act, happening: Happening): Promise<void> {
    await this.tell(id, (now) => (isAct(now, act) ? happening : null));
  }

  /**
   * What happens to a release, decided when the write has its turn: from what is true then. Resolves with the
   * release after it; undefined when it has ended before.
   */
  async tell(
    id: string,
    decide: (release: ReleaseRecord) => Happening | null,
  ): Promise<ReleaseRecord | undefined> {
    const { ledger, onTurned } = this.#parts;
    const turned: ReleaseRecord[] = [];
    await ledger.write(() => {
      const release = ledger.release(id);
      const happening = release && decide(release);
      if (!happening) return null;
      const [first, ...others] = this.#writings(release, happening);
      if (!first) return null;
      for (const { before, after } of [first, ...others])
        if (before.state.phase === 'forward' && after.state.phase === 'turning') turned.push(after);
      return { ...first.writing, with: others.map(({ writing }) => writing) };
    });
    for (const release of turned) onTurned(release);
    return ledger.release(id);
  }

  /** Of the release itself first, then of those that it takes with it; none while it has to wait for them. */
  #writings(release: ReleaseRecord, happening: Happening): Moved[] {
    const others = this.othersOf(release);
    if (others.length > 0 && finishes(release, happening, 'together'))
      return others.every(isThere) ? [release, ...others].map((each) => this.#promoted(each)) : [];
    const moved = others.flatMap((other) => {
      const event = heard(other, release, happening.event);
      if (!event) return [];
      const fact: Fact = event.type === 'turned' ? { kind: 'turned', cause: event.cause } : happening.fact;
      return [this.#moved(other, [{ event, fact }])];
    });
    return [this.#moved(release, [happening]), ...moved];
  }

  /** The members of its group that have not ended, without itself. */
  othersOf({ id, group }: ReleaseRecord): ReleaseRecord[] {
    const ids = (group ?? []).map(({ release }) => release).filter((each) => each !== id);
    return ids.flatMap((each) => this.#parts.ledger.release(each) ?? []);
  }

  /** Through the wait for the others and the promotion behind it. */
  #promoted(release: ReleaseRecord): Moved {
    const done: Happening[] = [];
    for (let at = release; done.length < 3;) {
      const act = nextAct(at.state, at.plan.steps);
      if (act.do !== 'apply') break;
      const isBegun = at.state.phase === 'forward' && at.state.underWay;
      const happening: Happening = isBegun
        ? { event: { type: 'step-done' }, fact: doneOf(act, '') }
        : { event: { type: 'step-started' }, fact: startOf(act) };
      done.push(happening);
      at = { ...at, state: transition(at.state, happening.event, at.plan.steps) };
    }
    return this.#moved(release, done);
  }

  #moved(before: ReleaseRecord, happenings: readonly Happening[]): Moved {
    const { steps } = before.plan;
    const facts = happenings.map(({ fact }) => fact);
    const changes: Change[] = [];
    let { state } = before;
    for (const happening of happenings) {
      const now = { ...before, state };
      if (finishes(now, happening, 'promote')) changes.push(...this.#promotion(now));
      state = transition(state, happening.event, steps);
    }
    const next = nextAct(state, steps);
    const wasActive = happenings.at(-1)?.event.type !== 'step-started';
    if (wasActive && next.do === 'apply' && !isUnderWay(state)) {
      state = transition(state, { type: 'step-started' }, steps);
      facts.push(startOf(next));
      this.#beganAtMs.set(before.id, this.#parts.clock.nowMs());
    }
    const after = { ...before, state };
    changes.unshift({ put: 'release', record: after });
    return { before, after, writing: { facts, changes, service: before.service, release: before.id } };
  }

  /** From here on the candidate is stable. */
  #promotion({ service, to, plan }: ReleaseRecord): Change[] {
    // A flag is what it was last set to; no version of anything has changed.
    if (plan.rollout) return [];
    const { ledger } = this.#parts;
    const record = ledger.service(service);
    if (record.stable === to) return [];
    const wanted = ledger.version(service, to)?.spec.instances ?? record.wanted;
    return [{ put: 'service', record: { ...record, stable: to, previous: record.stable, wanted } }];
  }

  forget(id: string): void {
    this.#beganAtMs.delete(id);
  }
}

interface Moved {
  readonly before: ReleaseRecord;
  readonly after: ReleaseRecord;
  readonly writing: Writing;
}

function isUnderWay(state: ReleaseRecord['state']): boolean {
  return (state.phase === 'forward' || state.phase === 'back') && state.underWay;
}

function finishes(
  { state, plan }: ReleaseRecord,
  { event }: Happening,
  kind: 'together' | 'promote',
): boolean {
  return state.phase === 'forward' && event.type === 'step-done' && plan.steps[state.at]?.kind === kind;
}

function startOf({ index, direction, step }: Apply): Fact {
  return { kind: 'step-started', index, direction, step };
}

export function doneOf({ index, direction }: Apply, note: string): Fact {
  return { kind: 'step-done', index, direction, note };
}

/** The act that the release is at. */
export function isAct({ state, plan }: ReleaseRecord, act: Act): boolean {
  return isSameAct(nextAct(state, plan.steps), act);
}

function isSameAct(now: Act, then: Act): boolean {
  if (now.do !== 'apply' || then.do !== 'apply') return now.do === then.do;
  return now.index === then.index && now.direction === then.direction;
}

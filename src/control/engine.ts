/**
 * Carries releases out: asks the pure machine in `core/release/state.ts` what comes next, writes the intent,
 * acts, writes the result. Everything it decides from is in the ledger, so a release goes on after a crash
 * where it was (R5), and nothing acts for a release that has turned meanwhile.
 */
import { type ErrorRecord, SegueError, toErrorRecord } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Service } from '../core/project.ts';
import { planBack } from '../core/release/back.ts';
import { type Alone, type Facts, nextInstanceNumber } from '../core/release/facts.ts';
import type { Fact } from '../core/release/journal.ts';
import type { ReleaseRecord } from '../core/release/records.ts';
import { isPromoted, nextAct, type Act, type ReleaseEvent, transition } from '../core/release/state.ts';
import type { Step } from '../core/release/step.ts';
import { aloneOf } from './alone.ts';
import type { CrashNotice } from './crashes.ts';
import type { Fleet } from './fleet.ts';
import type { JudgeDesk } from './judge-desk.ts';
import type { Ledger } from './ledger.ts';
import type { ControlPorts } from './ports.ts';
import { settle } from './settlement.ts';
import type { StepContext } from './steps/handler.ts';
import { beganAt, boundWait } from './step-time.ts';
import { applyStep } from './steps/index.ts';
import type { TrafficDirector } from './traffic-director.ts';
import { until } from './until.ts';

export interface EngineParts {
  readonly ports: ControlPorts;
  readonly ledger: Ledger;
  readonly fleet: Fleet;
  readonly traffic: TrafficDirector;
  readonly judge: JudgeDesk;
  /** The service as segue.yaml has it, or as it was when it left it. */
  readonly serviceOf: (name: string) => Service | undefined;
  /** Called when nothing of a release is left to do, while it is still the service's active one (R7). */
  readonly beforeEnd: (release: ReleaseRecord) => Promise<void>;
  /** For what must not happen: the release stays as it is and control says so. */
  readonly onFault: (error: unknown) => void;
}

type Apply = Extract<Act, { do: 'apply' }>;

export class Engine {
  readonly #parts: EngineParts;
  readonly #running = new Map<string, AbortController>();
  /** When the step under way began, for those that this control began. */
  readonly #beganAtMs = new Map<string, number>();
  /** Why releases have to go back: noticed at any time, acted upon by the step under way or the next. */
  readonly #failures = new Map<string, SegueError>();
  readonly #closing = new AbortController();

  constructor(parts: EngineParts) {
    this.#parts = parts;
    parts.fleet.onCrash((notice) => this.#onCrash(notice));
  }

  /** Runs a release to its end in the background. */
  run(id: string): void {
    this.#run(id).catch((error: unknown) => {
      if (!this.#closing.signal.aborted) this.#parts.onFault(error);
    });
  }

  async #run(id: string): Promise<void> {
    for (;;) {
      const release = this.#parts.ledger.release(id);
      if (!release || this.#closing.signal.aborted) return;
      const act = nextAct(release.state, release.plan.steps);
      if (act.do === 'end') return this.#end(release);
      if (act.do === 'plan-back') await this.#turn(release, act);
      else if (act.do === 'wait') await this.#wait(release, act);
      else await this.#apply(release, act);
    }
  }

  async #apply(release: ReleaseRecord, act: Apply): Promise<void> {
    const beganAtMs = await this.#begin(release, act);
    const current = this.#parts.ledger.release(release.id);
    if (!current || !isSameAct(nextAct(current.state, current.plan.steps), act)) return;
    const { index, direction, step } = act;
    const abort = new AbortController();
    this.#running.set(release.id, abort);
    const over = new AbortController();
    try {
      if (isRevocable(current)) this.#throwIfFailed(release.id);
      await boundWait(release, act, { ports: this.#parts.ports, abort, over: over.signal });
      const note = await applyStep(step, this.#contextOf(release, act, beganAtMs, abort.signal));
      const fact = { kind: 'step-done', index, direction, note } as const;
      await this.#record(release.id, act, { type: 'step-done' }, fact);
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      const cause = toErrorRecord(error);
      const fact = { kind: 'step-failed', index, direction, error: cause } as const;
      await this.#record(release.id, act, { type: 'step-failed', error: cause }, fact);
    } finally {
      over.abort();
      this.#running.delete(release.id);
    }
  }

  /** Paused: until a person says what next, or the candidate fails all the same. */
  async #wait(release: ReleaseRecord, act: Extract<Act, { do: 'wait' }>): Promise<void> {
    const { ledger, ports } = this.#parts;
    const abort = new AbortController();
    this.#running.set(release.id, abort);
    const isOver = () => {
      const now = ledger.release(release.id);
      return !now || !isSameAct(nextAct(now.state, now.plan.steps), act);
    };
    try {
      this.#throwIfFailed(release.id);
      const waiting = { clock: ports.clock, withinMs: Infinity, signal: abort.signal };
      await until(isOver, (check) => ledger.follow(check), waiting);
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      const cause = toErrorRecord(error);
      await this.#record(release.id, act, { type: 'turned', cause }, { kind: 'turned', cause });
    } finally {
      this.#running.delete(release.id);
    }
  }

  /** The intent is written by now, or is written here; resolves with the time when the step first began. */
  async #begin({ id, state }: ReleaseRecord, act: Apply): Promise<number> {
    const { ports } = this.#parts;
    if ((state.phase === 'forward' || state.phase === 'back') && state.underWay) {
      const known = this.#beganAtMs.get(id);
      if (known !== undefined) return known;
      // It was under way when an earlier control died.
      return (await beganAt(id, act, ports.store)) ?? ports.clock.nowMs();
    }
    await this.#record(id, act, { type: 'step-started' }, startOf(act));
    return ports.clock.nowMs();
  }

  #contextOf(release: ReleaseRecord, act: Apply, beganAtMs: number, signal: AbortSignal): StepContext {
    const { direction, index, step } = act;
    const { ports, ledger, fleet, traffic, judge } = this.#parts;
    const service = this.#serviceOf(release);
    const version = versionOf(step) ?? (direction === 'forward' ? release.to : release.from);
    const spec = version === null ? service : (ledger.version(release.service, version)?.spec ?? service);
    const alone = this.#aloneOf(service, release) !== null;
    const about = { release, spec, service, direction, index, beganAtMs, alone };
    return { ...about, ports, ledger, fleet, traffic, judge, signal };
  }

  /** The service as the file has it now; a service that left the file keeps its last known form. */
  #serviceOf(release: ReleaseRecord): Service {
    const { serviceOf, ledger } = this.#parts;
    const spec = serviceOf(release.service) ?? ledger.version(release.service, release.to)?.spec;
    if (!spec) throw new SegueError('SERVICE_UNKNOWN', release.service);
    return spec;
  }

  /** The way back is planned from what is true now, and again after each failed try. */
  async #turn(release: ReleaseRecord, act: Extract<Act, { do: 'plan-back' }>): Promise<void> {
    await this.#parts.ports.clock.sleep(act.afterMs, this.#closing.signal);
    const facts = this.factsOf(this.#serviceOf(release), release.id);
    const steps = planBack({ facts, release: release.id, urgent: isUrgent(act.cause) });
    await this.#record(
      release.id,
      act,
      { type: 'back-planned', steps },
      { kind: 'back-planned', cause: act.cause, steps },
    );
  }

  /**
   * Writes a result, and with it the intent of the step that follows: one durable write between two acts. An
   * event counts only while the release is where it was when the act began.
   */
  async #record(id: string, act: Act, event: ReleaseEvent, fact: Fact): Promise<void> {
    const { ledger, ports } = this.#parts;
    await ledger.write(() => {
      const release = ledger.release(id);
      if (!release || !isSameAct(nextAct(release.state, release.plan.steps), act)) return null;
      const { steps } = release.plan;
      const after = transition(release.state, event, steps);
      const next = nextAct(after, steps);
      const begins = event.type !== 'step-started' && next.do === 'apply';
      const state = begins ? transition(after, { type: 'step-started' }, steps) : after;
      if (begins) this.#beganAtMs.set(id, ports.clock.nowMs());
      return {
        facts: begins ? [fact, startOf(next)] : [fact],
        changes: [{ put: 'release', record: { ...release, state } }],
        service: release.service,
        release: id,
      };
    });
  }

  /** Ends what is under way for a release that has just been turned. */
  interrupt(id: string, why: SegueError): void {
    if (this.#parts.ledger.release(id)?.state.phase === 'turning') this.#running.get(id)?.abort(why);
  }

  /**
   * The candidate must not go on: the release goes back, at once when a step or a pause is under way. Without
   * effect on one that goes back already or has promoted. False then.
   */
  fail(id: string, failure: SegueError): boolean {
    const release = this.#parts.ledger.release(id);
    if (!release || !isRevocable(release)) return false;
    this.#failures.set(id, failure);
    this.#running.get(id)?.abort(failure);
    return true;
  }

  /** Only the release's own instances count against it: stable may crash, too. */
  #onCrash({ id, crashes, error }: CrashNotice): void {
    if (crashes < limits.release.crashesMax) return;
    const instance = this.#parts.ledger.instance(id);
    if (!instance) return;
    const release = this.#parts.ledger.release(instance.release);
    if (release?.to === instance.version)
      this.fail(instance.release, new SegueError(error.code, error.detail));
  }

  #throwIfFailed(id: string): void {
    const failure = this.#failures.get(id);
    if (failure) throw failure;
  }

  factsOf(current: Service, release: string): Facts {
    const { ledger, fleet } = this.#parts;
    const { name: service } = current;
    const { stable, wanted, rotation } = ledger.service(service);
    const active = ledger.release(release);
    const steps = active?.plan.steps ?? [];
    const planned = steps.flatMap((step) => (step.kind === 'start' ? step.instances.map((i) => i.id) : []));
    return {
      service,
      stable,
      stableInstances: wanted,
      running: fleet.runningOf(service),
      rotation,
      nextInstance: nextInstanceNumber(service, release, [...planned, ...ledger.instances.map((i) => i.id)]),
      alone: this.#aloneOf(current, active),
    };
  }

  #aloneOf(current: Service, release: ReleaseRecord | undefined): Alone | null {
    const { ledger, fleet } = this.#parts;
    const { stable } = ledger.service(current.name);
    const running = fleet.runningOf(current.name).map(({ version }) => version);
    const versions = [stable, release?.to ?? null, ...running].filter((version) => version !== null);
    return aloneOf(current, new Set(versions), ledger);
  }

  async #end(release: ReleaseRecord): Promise<void> {
    await this.#parts.beforeEnd(release);
    await settle(release, this.#parts);
    this.#beganAtMs.delete(release.id);
    this.#failures.delete(release.id);
  }

  /** Stops acting; what is under way stays in the journal for the next control. */
  close(): void {
    this.#closing.abort(new Error('control ends'));
    for (const abort of this.#running.values()) abort.abort(this.#closing.signal.reason);
  }
}

/** It goes forward and can still be taken back. */
function isRevocable({ state, plan }: ReleaseRecord): boolean {
  return state.phase === 'forward' && !isPromoted(state, plan.steps);
}

function startOf({ index, direction, step }: Apply): Fact {
  return { kind: 'step-started', index, direction, step };
}

function isSameAct(now: Act, then: Act): boolean {
  if (now.do !== 'apply' || then.do !== 'apply') return now.do === then.do;
  return now.index === then.index && now.direction === then.direction;
}

/** The version whose instances a step is about; a step about several is about the release's own. */
function versionOf(step: Step): string | null {
  return step.kind === 'start' || step.kind === 'ready' ? (step.instances[0]?.version ?? null) : null;
}

/** It answers wrongly or not at all: every request that still goes there is one too many. */
function isUrgent({ code }: ErrorRecord): boolean {
  return code === 'SMOKE_FAILED' || code === 'CRASH_LOOP' || code === 'CANDIDATE_WORSE';
}

/**
 * Carries releases out: asks the pure machine in `core/release/state.ts` what comes next, writes the intent,
 * acts, writes the result. Everything it decides from is in the ledger, so a release goes on after a crash
 * where it was (R5), and nothing acts for a release that has turned meanwhile.
 */
import { type ErrorRecord, SegueError, toErrorRecord } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { rolloutBack } from '../core/flags/rollout.ts';
import { isWorker, type Service } from '../core/project.ts';
import { planBack } from '../core/release/back.ts';
import { isUrgent } from '../core/release/urgency.ts';
import { type Alone, type Facts, nextInstanceNumber } from '../core/release/facts.ts';
import { isOutOfTraffic } from '../core/release/group.ts';
import type { Fact } from '../core/release/journal.ts';
import type { ReleaseRecord } from '../core/release/records.ts';
import { isPromoted, nextAct, type Act } from '../core/release/state.ts';
import type { Step } from '../core/release/step.ts';
import { aloneOf } from './alone.ts';
import type { CrashNotice } from './crashes.ts';
import { brokenBy } from './database/broken.ts';
import type { SchemaWork } from './database/schema-work.ts';
import type { FlagRaises } from './flags/flag-raises.ts';
import type { Fleet } from './fleet.ts';
import type { RolloutWork } from './flags/rollout-work.ts';
import type { JudgeDesk } from './judge-desk.ts';
import type { Ledger } from './ledger.ts';
import type { ControlPorts } from './ports.ts';
import { type Apply, doneOf, type Happening, isAct, ReleaseBook } from './release-book.ts';
import { settle } from './settlement.ts';
import type { StepContext } from './steps/handler.ts';
import { boundWait } from './step-time.ts';
import { applyStep } from './steps/index.ts';
import type { TrafficDirector } from './traffic-director.ts';
import { until } from './until.ts';

export interface EngineParts {
  readonly ports: ControlPorts;
  readonly ledger: Ledger;
  readonly fleet: Fleet;
  readonly traffic: TrafficDirector;
  readonly judge: JudgeDesk;
  readonly schema: SchemaWork;
  /** The steps of releases of flags. */
  readonly rollouts: RolloutWork;
  readonly flags: FlagRaises;
  /** The service as segue.yaml has it, or as it was when it left it. */
  readonly serviceOf: (name: string) => Service | undefined;
  /** Called when nothing of a release is left to do, while it is still the service's active one (R7). */
  readonly beforeEnd: (release: ReleaseRecord) => Promise<void>;
  /** For what must not happen: the release stays as it is and control says so. */
  readonly onFault: (error: unknown) => void;
}

export class Engine {
  readonly book: ReleaseBook;
  readonly #parts: EngineParts;
  readonly #running = new Map<string, AbortController>();
  /** Why releases have to go back: noticed at any time, acted upon by the step under way or the next. */
  readonly #failures = new Map<string, SegueError>();
  readonly #closing = new AbortController();

  constructor(parts: EngineParts) {
    this.#parts = parts;
    const { ledger, ports } = parts;
    const onTurned = (release: ReleaseRecord) => this.#interrupt(release);
    this.book = new ReleaseBook({ ledger, store: ports.store, clock: ports.clock, onTurned });
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
    const beganAtMs = await this.book.begin(release, act);
    const current = this.#parts.ledger.release(release.id);
    if (!current || !isAct(current, act)) return;
    const { index, direction } = act;
    const abort = new AbortController();
    this.#running.set(release.id, abort);
    const over = new AbortController();
    try {
      if (isRevocable(current)) this.#throwIfFailed(release.id);
      await boundWait(release, act, { ports: this.#parts.ports, abort, over: over.signal });
      const note = await this.#carryOut(release, act, beganAtMs, abort.signal);
      await this.book.record(release.id, act, { event: { type: 'step-done' }, fact: doneOf(act, note) });
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      const cause = toErrorRecord(error);
      const fact = { kind: 'step-failed', index, direction, error: cause } as const;
      await this.book.record(release.id, act, { event: { type: 'step-failed', error: cause }, fact });
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
      return !now || !isAct(now, act);
    };
    try {
      this.#throwIfFailed(release.id);
      const waiting = { clock: ports.clock, withinMs: Infinity, signal: abort.signal };
      await until(isOver, (check) => ledger.follow(check), waiting);
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      const cause = toErrorRecord(error);
      const turned = { event: { type: 'turned', cause }, fact: { kind: 'turned', cause } } as const;
      await this.book.record(release.id, act, turned);
    } finally {
      this.#running.delete(release.id);
    }
  }

  #carryOut(release: ReleaseRecord, act: Apply, beganAtMs: number, signal: AbortSignal): Promise<string> {
    const { step, direction, index } = act;
    if (!release.plan.rollout) return applyStep(step, this.#contextOf(release, act, beganAtMs, signal));
    const tell = (happening: Happening) => this.book.record(release.id, act, happening);
    return this.#parts.rollouts.apply(step, { release, direction, index, beganAtMs, signal, tell });
  }

  #contextOf(release: ReleaseRecord, act: Apply, beganAtMs: number, signal: AbortSignal): StepContext {
    const { direction, index, step } = act;
    const { ports, ledger, fleet, traffic, judge, schema, flags } = this.#parts;
    const service = this.#serviceOf(release);
    const version = versionOf(step) ?? (direction === 'forward' ? release.to : release.from);
    const spec = version === null ? service : (ledger.version(release.service, version)?.spec ?? service);
    const alone = this.#aloneOf(service, release) !== null;
    const about = { release, spec, service, direction, index, beganAtMs, alone };
    const tell = (happening: Happening) => this.book.record(release.id, act, happening);
    return { ...about, ports, ledger, fleet, traffic, judge, schema, flags, signal, tell };
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
    const { rollout } = release.plan;
    const steps = rollout ? rolloutBack(rollout, act.cause) : this.#wayBack(release, act);
    const fact: Fact = { kind: 'back-planned', cause: act.cause, steps };
    await this.book.record(release.id, act, { event: { type: 'back-planned', steps }, fact });
  }

  /** Nothing about flags keeps a release from going back (F2): what is wrong with them is found again at its end. */
  #flagsFor(service: Service, release: ReleaseRecord) {
    try {
      return this.#parts.flags.factsFor(service, release);
    } catch {
      return [];
    }
  }

  #wayBack(release: ReleaseRecord, act: Extract<Act, { do: 'plan-back' }>): Step[] {
    const service = this.#serviceOf(release);
    const facts = { ...this.factsOf(service, release.id), flags: this.#flagsFor(service, release) };
    const urgent = isUrgent(act.cause.code, { isWorker: facts.worker !== undefined });
    this.#parts.schema.leave(release.id);
    const way = planBack({ facts, release: release.id, urgent, takeBack: brokenBy(act.cause, release) });
    // A candidate that is well leaves after those that need it; any other at once (R4).
    const later = isWell(act.cause) ? this.#later(release) : [];
    return later.length > 0 ? [{ kind: 'after', services: later, until: 'back' }, ...way] : way;
  }

  /** Services of the same release that came after it, and whose candidates have traffic. */
  #later({ service, group }: ReleaseRecord): string[] {
    const later = (group ?? []).filter(({ after }) => after.includes(service));
    return later
      .filter((member) => {
        const release = this.#parts.ledger.release(member.release);
        return release && !isOutOfTraffic(release);
      })
      .map((member) => member.service);
  }

  /** Ends what is under way for a release that has just been turned. */
  #interrupt({ id, state }: ReleaseRecord): void {
    const cause = state.phase === 'turning' ? state.cause : null;
    if (cause) this.#running.get(id)?.abort(new SegueError(cause.code, cause.detail));
  }

  /**
   * The candidate must not go on: the release goes back, at once when a step or a pause is under way. Without
   * effect on one that goes back already or has promoted. False then.
   */
  fail(id: string, failure: SegueError): boolean {
    const release = this.#parts.ledger.release(id);
    if (!release || !isRevocable(release)) return false;
    // The first one is the reason: what a crash loop does to the rest of them is not another.
    if (!this.#failures.has(id)) this.#failures.set(id, failure);
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
      ...(isWorker(current) ? { worker: { drainMs: current.drainMs } } : {}),
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
    this.#parts.schema.leave(release.id);
    await this.#parts.beforeEnd(release);
    await settle(release, this.#parts);
    this.book.forget(release.id);
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

/** The version whose instances a step is about; a step about several is about the release's own. */
function versionOf(step: Step): string | null {
  return step.kind === 'start' || step.kind === 'ready' ? (step.instances[0]?.version ?? null) : null;
}

/** It goes back for what is not its own fault. */
function isWell({ code }: ErrorRecord): boolean {
  return code === 'GROUP_TURNED' || code === 'RELEASE_ABORTED';
}

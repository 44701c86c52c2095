/**
 * The instances: started, watched, started again when they crash, stopped. What happens to one of them
 * happens one after the other, so that nothing starts again what is being stopped (R5, R9).
 */
import { type ErrorRecord, SegueError, toErrorRecord } from '../core/errors.ts';
import { isWorker } from '../core/project.ts';
import type { InstanceRecord } from '../core/release/records.ts';
import type { InstanceRef } from '../core/release/step.ts';
import type { RoutableInstance } from '../core/traffic/service-routing.ts';
import { Turns } from '../core/turns.ts';
import type { InstanceExit } from '../ports/runtime.ts';
import { type CrashNotice, Crashes } from './crashes.ts';
import { FailureBook } from './failure-book.ts';
import { HealthMonitor } from './health-monitor.ts';
import { InstanceBook } from './instance-book.ts';
import { describeExit, exitFailure } from './instance-failure.ts';
import { type Ending, Launcher, type LauncherParts } from './launcher.ts';
import type { Ledger } from './ledger.ts';
import type { PortBook } from './port-book.ts';
import type { ControlPorts } from './ports.ts';
import { type LiveHealth, WatchList } from './watch-list.ts';

export interface FleetParts {
  readonly ports: ControlPorts;
  readonly ledger: Ledger;
  readonly portBook: PortBook;
  /** Resolves when the plane runs a routing with what is ready now. */
  readonly rerouted: () => Promise<unknown>;
  readonly drainMsOf: LauncherParts['drainMsOf'];
  /** For what must not happen: control cannot write any more, and so must not act. */
  readonly onFault: (error: unknown) => void;
}

export class Fleet {
  readonly #parts: FleetParts;
  readonly #ledger: Ledger;
  readonly #book: InstanceBook;
  readonly #launcher: Launcher;
  readonly #watched: WatchList;
  readonly #crashes: Crashes;
  readonly #failures = new FailureBook();
  readonly #turns = new Turns();
  readonly #unsubscribe: () => void;
  #state: 'open' | 'resting' | 'closed' = 'open';

  constructor(parts: FleetParts) {
    const { ports, ledger, portBook, drainMsOf } = parts;
    this.#parts = parts;
    this.#ledger = ledger;
    this.#book = new InstanceBook(ledger);
    this.#launcher = new Launcher({ ports, ledger, portBook, book: this.#book, drainMsOf });
    this.#watched = new WatchList(ports.clock);
    this.#crashes = new Crashes({
      ...{ clock: ports.clock, ledger, book: this.#book },
      lastLines: (id) => this.lastLines(id),
      restart: (id) => this.#inBackground(id, () => this.#restart(id)),
    });
    this.#unsubscribe = ports.runtime.onExit((exit) => this.#inBackground(exit.id, () => this.#ended(exit)));
  }

  /** Called after any change of what is ready. */
  onChange(listener: () => void): () => void {
    return this.#watched.onChange(listener);
  }

  onCrash(listener: (notice: CrashNotice) => void): () => void {
    return this.#crashes.onCrash(listener);
  }

  isReady(id: string): boolean {
    return this.#watched.isReady(id);
  }

  health(id: string): LiveHealth {
    return this.#watched.health(id);
  }

  failure(id: string): ErrorRecord | undefined {
    return this.#failures.find(id);
  }

  lastLines(id: string): Promise<string[]> {
    return this.#launcher.lastLines(id);
  }

  routable(): Map<string, RoutableInstance> {
    return new Map(
      this.#ledger.instances.map((record) => {
        const { id, version, host, port } = record;
        const direct = this.#launcher.directOf(record) !== null;
        return [id, { id, version, host, port, ready: this.isReady(id), direct }];
      }),
    );
  }

  runningOf(service: string): (InstanceRef & { readonly ready: boolean })[] {
    return this.#ledger.instances
      .filter((i) => i.service === service && i.phase !== 'stopping')
      .map(({ id, version }) => ({ id, version, ready: this.isReady(id) }));
  }

  /** Starts an instance, or finds it where an earlier control started it (look first, then act). */
  start(ref: InstanceRef, service: string, release: string): Promise<void> {
    return this.#turns.take(ref.id, async () => {
      const known = this.#ledger.instance(ref.id);
      if (!known) return this.#launch(this.#newRecord(ref, service, release));
      if (known.phase === 'running' && this.#watched.has(ref.id)) return;
      if (!(await this.#adopt(known))) await this.#relaunch(ref.id);
    });
  }

  /** Takes up an instance of an earlier control; false when it does not run. */
  adopt(record: InstanceRecord): Promise<boolean> {
    return this.#turns.take(record.id, () => this.#adopt(record));
  }

  /** After `down`: starts it again, or gives it up. What an interrupted `down` left of it is ended first. */
  wake(record: InstanceRecord, then: 'restart' | 'give-up'): Promise<void> {
    const { id } = record;
    return this.#turns.take(id, async () => {
      if (record.mark && (await this.#launcher.adopt(record))) await this.#end(record);
      if (then === 'restart') await this.#restart(id);
      else await this.#launcher.gone(id, 'its service left segue.yaml');
    });
  }

  /** It should run and does not: says so, and starts it again after a pause. */
  crashed(id: string, exit: string): Promise<void> {
    return this.#turns.take(id, () => this.#crashes.note(id, exit, 0));
  }

  /** For one that waited for its restart when an earlier control ended. */
  restartLater(record: InstanceRecord): void {
    this.#crashes.restartLater(record);
  }

  /** Stops it whole; done when nothing of it runs any more. */
  stop(id: string): Promise<Ending> {
    return this.#turns.take(id, async () => {
      const record = this.#ledger.instance(id);
      if (!record) return { how: 'was gone', ended: true };
      await this.#book.patch(id, { phase: 'stopping' }, { kind: 'instance-stopping', instance: id });
      const ending = await this.#end(record);
      await this.#launcher.gone(id, ending.how);
      return ending;
    });
  }

  /** For an instance that ended by itself: what it left behind ends, too, and nothing is started again. */
  writeOff(id: string, exit: string): Promise<void> {
    return this.#turns.take(id, () => this.#writeOff(id, exit));
  }

  /** Stops all of them, to be started again by the next control; from now on none is started. */
  async rest(): Promise<void> {
    this.#state = 'resting';
    // Whatever passed the look at the state has its record by the time that this write has its turn.
    await this.#ledger.write(() => null);
    await Promise.all(this.#ledger.instances.map(({ id }) => this.#turns.take(id, () => this.#rest(id))));
  }

  /** `resting` is written before its end: a `down` that is cut short loses no instance. */
  async #rest(id: string): Promise<void> {
    const record = this.#ledger.instance(id);
    if (!record || record.phase === 'stopping') return;
    const resting = { phase: 'resting', ready: false } as const;
    await this.#book.patch(id, resting, { kind: 'instance-stopping', instance: id });
    const { how } = await this.#end(record);
    await this.#book.patch(id, { mark: null }, { kind: 'instance-stopped', instance: id, how });
  }

  async #launch(record: InstanceRecord): Promise<void> {
    this.#failures.forget(record.id);
    this.#crashes.cancelRestart(record.id);
    const placed = await this.#launcher.place(record);
    // Nothing may come between this look and the intent: `rest` counts on it.
    if (this.#state !== 'open') throw new SegueError('CONTROL_NOT_RUNNING', 'It is ending.');
    await this.#launcher.launch(placed);
    this.#watch(record.id);
  }

  async #relaunch(id: string): Promise<void> {
    const record = this.#ledger.instance(id);
    if (record?.phase === 'starting' || record?.phase === 'resting') await this.#launch(record);
  }

  async #restart(id: string): Promise<void> {
    if (this.#state !== 'open') return;
    await this.#relaunch(id).catch((error: unknown) =>
      this.#crashes.note(id, toErrorRecord(error).detail, 0),
    );
  }

  async #adopt(record: InstanceRecord): Promise<boolean> {
    const { id, phase } = record;
    const mark = await this.#launcher.adopt(record);
    if (!mark) return false;
    if (phase === 'stopping') return true;
    await this.#book.patch(id, { phase: 'running', mark }, { kind: 'instance-adopted', instance: id });
    this.#watch(id);
    return true;
  }

  #watch(id: string): void {
    const record = this.#ledger.instance(id);
    if (!record || this.#state === 'closed') return;
    const spec = this.#launcher.specOf(record);
    const monitor = new HealthMonitor(
      {
        id,
        health: spec.health,
        worker: isWorker(spec),
        target: this.#launcher.targetOf(record),
        assumeReady: record.ready,
        onReady: (ready, why) => {
          this.#watched.changed();
          this.#inBackground(id, () => this.#noteReadiness(id, monitor, ready, why));
        },
        onUnhealthy: (why) => this.#inBackground(id, () => this.#unhealthy(id, monitor, why)),
      },
      this.#parts.ports,
    );
    this.#watched.add(id, monitor);
  }

  async #noteReadiness(id: string, monitor: HealthMonitor, ready: boolean, why: string): Promise<void> {
    if (monitor.stopped) return;
    const afterMs = Math.round(this.health(id).upMs);
    const first = this.#ledger.instance(id)?.wasReady === false;
    if (ready)
      await this.#book.patch(
        id,
        { wasReady: true, ready, ...(first ? { readyAfterMs: afterMs } : {}) },
        { kind: 'instance-ready', instance: id, afterMs },
      );
    else await this.#book.patch(id, { ready }, { kind: 'instance-unready', instance: id, why });
  }

  /** It runs but does not live: out of traffic first, then ended, then started again like after a crash. */
  async #unhealthy(id: string, monitor: HealthMonitor, why: string): Promise<void> {
    const record = this.#ledger.instance(id);
    if (!record || monitor.stopped) return;
    await this.#book.patch(id, { ready: false }, { kind: 'instance-unhealthy', instance: id, why });
    const { upMs } = this.health(id);
    this.#watched.remove(id);
    // R2, as far as it goes: a plane that does not answer must not keep a dead instance.
    await this.#parts.rerouted().catch(() => undefined);
    await this.#end(record);
    await this.#crashes.note(id, `was not alive (${why})`, upMs);
  }

  async #ended({ id, code, signal }: InstanceExit): Promise<void> {
    const record = this.#ledger.instance(id);
    if (record?.phase !== 'running') return;
    const { upMs } = this.health(id);
    this.#watched.remove(id);
    const exit = describeExit(code, signal);
    if (record.wasReady) return this.#crashes.note(id, exit, upMs);
    // It was never ready: its release decides, nothing is started again.
    this.#failures.keep(id, exitFailure(id, exit, await this.lastLines(id)));
    await this.#writeOff(id, exit);
    this.#watched.changed();
  }

  async #end(record: InstanceRecord): Promise<Ending> {
    this.#crashes.cancelRestart(record.id);
    this.#watched.remove(record.id);
    return this.#launcher.end(record);
  }

  async #writeOff(id: string, exit: string): Promise<void> {
    const record = this.#ledger.instance(id);
    if (record) await this.#end(record);
    await this.#launcher.gone(id, exit);
  }

  #newRecord({ id, version }: InstanceRef, service: string, release: string): InstanceRecord {
    const never = { secretHash: '', mark: null, wasReady: false, ready: false, crashes: 0 } as const;
    const createdAtMs = this.#parts.ports.clock.nowMs();
    return {
      ...{ id, service, version, release, phase: 'starting', host: '127.0.0.1', port: 0 },
      ...never,
      createdAtMs,
    };
  }

  /** What fails here failed to be written: every error of an instance itself is in the journal. */
  #inBackground(id: string, work: () => Promise<void>): void {
    this.#turns.take(id, work).catch((error: unknown) => {
      if (this.#state !== 'closed') this.#parts.onFault(error);
    });
  }

  /** Lets go of the instances and leaves them running. */
  close(): void {
    this.#state = 'closed';
    this.#unsubscribe();
    this.#crashes.close();
    this.#watched.close();
  }
}

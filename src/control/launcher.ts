/** Begins and ends the processes of instances; intent is written before the act and the result after it (R5). */
import { SegueError, toErrorRecord } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { isWorker, type Service, type StopSignal } from '../core/project.ts';
import { formatDurationMs } from '../core/units.ts';
import type { InstanceRecord, Mark } from '../core/release/records.ts';
import type { DirectPlace } from '../ports/socket-keeper.ts';
import { flagsKeyOf } from './flags/flag-office.ts';
import type { InstanceBook } from './instance-book.ts';
import { instanceEnvironment } from './instance-environment.ts';
import type { Ledger } from './ledger.ts';
import type { PortBook } from './port-book.ts';
import type { ControlPorts } from './ports.ts';
import type { ProbeTarget } from './probes.ts';
import { hashOf } from './secrets.ts';

export interface LauncherParts {
  readonly ports: ControlPorts;
  readonly ledger: Ledger;
  readonly portBook: PortBook;
  readonly book: InstanceBook;
  /** What jobs of a worker get, as the file says now; null: it says nothing of it. */
  readonly drainMsOf: (service: string) => number | null;
}

export interface Ending {
  /** For the journal. */
  readonly how: string;
  /** False: something of it could not be ended. */
  readonly ended: boolean;
}

const GONE: Ending = { how: 'gone', ended: true };

export class Launcher {
  readonly #ports: ControlPorts;
  readonly #ledger: Ledger;
  readonly #portBook: PortBook;
  readonly #book: InstanceBook;
  readonly #drainMsOf: LauncherParts['drainMsOf'];

  constructor({ ports, ledger, portBook, book, drainMsOf }: LauncherParts) {
    this.#ports = ports;
    this.#ledger = ledger;
    this.#portBook = portBook;
    this.#book = book;
    this.#drainMsOf = drainMsOf;
  }

  /** On its own port, or on another one where that is not set or was taken meanwhile. */
  async place(record: InstanceRecord): Promise<InstanceRecord> {
    const free = record.port !== 0 && (await this.#ports.runtime.portIsFree(record.port));
    return free ? record : { ...record, port: await this.#portBook.take() };
  }

  /** The intent is on its way to the journal before this returns its promise. */
  async launch(record: InstanceRecord): Promise<void> {
    const { id, version, port } = record;
    const secret = this.#ports.random.hex(32);
    const fresh = { mark: null, ready: false, toldAtMs: null } as const;
    const begun = { phase: 'starting', secretHash: hashOf(secret), ...fresh } as const;
    try {
      await this.#book.put(
        { ...record, ...begun },
        { kind: 'instance-starting', instance: id, version, port },
      );
    } finally {
      this.#portBook.release(port);
    }
    try {
      const { dir, env } = this.targetOf(record);
      const { command } = this.specOf(record).run;
      const direct = this.directOf(record);
      const mark = await this.#ports.runtime.start({ id, secret, dir, command, env: env(), direct });
      const started = { kind: 'instance-started', instance: id, detail: `on port ${port}` } as const;
      await this.#book.patch(id, { phase: 'running', mark }, started);
    } catch (error) {
      if (!record.wasReady) await this.gone(id, 'did not start');
      throw error;
    }
  }

  /** Ends every process of it. */
  async end(record: InstanceRecord): Promise<Ending> {
    const spec = this.specOf(record);
    const { signal, withinMs } = spec.run.stop;
    try {
      if (isWorker(spec)) return await this.#endWorker(record, signal, spec.drainMs);
      const { how, tookMs } = await this.#ports.runtime.stop(record.id, { signal, withinMs: withinMs ?? 0 });
      const by = how === 'signal' ? signal : how;
      return { how: `${by}, ${Math.round(tookMs)}ms`, ended: how !== 'failed' };
    } catch (error) {
      // Neither started nor found by this control: there is nothing of it.
      if (error instanceof SegueError && error.code === 'INSTANCE_UNKNOWN') return GONE;
      throw error;
    }
  }

  /**
   * Its jobs get the limit that the file gives them now, and it is told once: many programs take a second signal for
   * "at once", so a later control only waits for the rest of the time.
   */
  async #endWorker(
    { id, service, toldAtMs }: InstanceRecord,
    signal: StopSignal,
    releasedWithMs: number,
  ): Promise<Ending> {
    const { runtime, clock } = this.#ports;
    const drainMs = this.#drainMsOf(service) ?? releasedWithMs;
    const told = typeof toldAtMs === 'number';
    const sinceMs = told ? Math.min(toldAtMs, clock.nowMs()) : clock.nowMs();
    const { how } = await runtime.stop(id, {
      ...{ signal, told, withinMs: Math.max(0, sinceMs + drainMs - clock.nowMs()) },
      // What cannot be written now costs a second signal at most.
      onTold: () => void this.#book.patch(id, { toldAtMs: clock.nowMs() }).catch(() => undefined),
    });
    const took = formatDurationMs(clock.nowMs() - sinceMs);
    const words = {
      signal: `ended ${took} after ${signal}`,
      kill: `killed: it had jobs ${took} after ${signal}`,
      gone: 'gone',
      failed: `failed, ${took} after ${signal}`,
    };
    return { how: words[how], ended: how !== 'failed' };
  }

  async gone(id: string, how: string): Promise<void> {
    await this.#book.patch(id, { phase: 'stopped' }, { kind: 'instance-stopped', instance: id, how });
    await this.#ports.runtime.forget(id);
  }

  /** What it wrote last. */
  async lastLines(id: string): Promise<string[]> {
    const lines: string[] = [];
    const signal = new AbortController().signal;
    const options = { lines: limits.log.tailLinesInErrors, follow: false, signal };
    try {
      for await (const line of this.#ports.runtime.logs(id, options)) lines.push(line);
    } catch (error) {
      // Why an instance ended has to be said even when its log is lost.
      lines.push(`(its log cannot be read: ${toErrorRecord(error).detail})`);
    }
    return lines;
  }

  specOf(record: InstanceRecord): Service {
    const version = this.#ledger.version(record.service, record.version);
    if (!version) throw new SegueError('VERSION_MISSING', `${record.service} ${record.version}`);
    return version.spec;
  }

  /** The socket that it shares from its start to its end, whatever the file says meanwhile; null: none. */
  directOf(record: InstanceRecord): DirectPlace | null {
    const { service, version } = record;
    const spec = this.specOf(record);
    if (isWorker(spec)) return null;
    const { mode, listen } = spec.traffic;
    return mode === 'direct' ? { service, version, listen } : null;
  }

  /** Takes up what an earlier control started. */
  adopt(record: InstanceRecord): Promise<Mark | null> {
    return this.#ports.runtime.adopt({ ...record, direct: this.directOf(record) });
  }

  targetOf(record: InstanceRecord): ProbeTarget {
    const { id, service: name, version, host, port } = record;
    const service = this.specOf(record);
    return {
      host,
      port,
      hostHeader: null,
      dir: this.#ports.files.dir(name, version),
      env: () =>
        instanceEnvironment(this.#ports.environment, {
          ...{ service, version, instance: id, port },
          flagsKey: flagsKeyOf(this.#ledger),
        }),
    };
  }
}

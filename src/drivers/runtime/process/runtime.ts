import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { Mark } from '../../../core/release/records.ts';
import type { Clock } from '../../../ports/clock.ts';
import type {
  InstanceExit,
  InstanceIdentity,
  InstanceSpec,
  Runtime,
  StopOrder,
  StopReport,
  Usage,
} from '../../../ports/runtime.ts';
import type { DirectExit, DirectPlace, SocketKeeper } from '../../../ports/socket-keeper.ts';
import { portIsFree } from './free-port.ts';
import { findLeader, leaderIn, markOf, verifyLeader } from './identity.ts';
import { LogFolder } from './log-folder.ts';
import { readLines, type LogRequest } from './log-reader.ts';
import { findMembers, nearMembers, rememberSession, type Kin } from './members.ts';
import { hashSecret, readAll, readListening, readLive, type ProcessId } from './process-table.ts';
import { directLaunch, spawnInstance } from './spawn.ts';
import { stopWhole, type StopDeadline } from './stop.ts';
import { usageOf } from './usage.ts';

export interface ProcessRuntimeOptions {
  /** Made when the first instance starts. */
  readonly logsDir: string;
  readonly clock: Clock;
  /** Per instance and file. */
  readonly logBytesMax?: number;
  readonly rotateCheckIntervalMs?: number;
  readonly platform?: NodeJS.Platform;
  /** Starts the instances that share a public socket; without it there are none. */
  readonly keeper?: SocketKeeper;
}

interface Instance extends Kin {
  readonly id: string;
  /** `ended`: by itself, which was told. `stopped`: because it was asked to, or forgotten. */
  phase: 'running' | 'ended' | 'stopped';
  /** Whose child it is: its end is told by the system, by the keeper of its socket, or has to be looked for. */
  readonly childOf: 'us' | 'keeper' | 'others';
  /** Times in a row that it was looked for and not there. */
  missed: number;
  stopping: { readonly order: StopDeadline; readonly report: Promise<StopReport> } | null;
}

/**
 * Instances as processes of this machine. They outlive control, so everything about them is found again
 * from /proc, and nothing is believed by pid alone (R9).
 */
export class ProcessRuntime implements Runtime {
  readonly name = 'process';
  readonly #clock: Clock;
  readonly #keeper: SocketKeeper | null;
  readonly #logs: LogFolder;
  readonly #instances = new Map<string, Instance>();
  readonly #starting = new Map<string, Promise<Mark>>();
  readonly #listeners = new Set<(exit: InstanceExit) => void>();
  readonly #closed = new AbortController();
  readonly #timers: readonly NodeJS.Timeout[];
  #rotation: Promise<void> | null = null;

  constructor(options: ProcessRuntimeOptions) {
    const platform = options.platform ?? process.platform;
    if (platform !== 'linux') throw new SegueError('PLATFORM_UNSUPPORTED', `This is ${platform}.`);
    this.#clock = options.clock;
    this.#keeper = options.keeper ?? null;
    this.#keeper?.onExit((exit) => this.#endedAtKeeper(exit));
    this.#logs = new LogFolder(options.logsDir, options.logBytesMax ?? limits.log.bytesMax);
    const rotateMs = options.rotateCheckIntervalMs ?? limits.log.rotateCheckIntervalMs;
    this.#timers = [
      setInterval(() => this.#watchAdopted(), limits.runtime.adoptedPollIntervalMs).unref(),
      setInterval(() => this.#rotateAll(), rotateMs).unref(),
    ];
  }

  start(spec: InstanceSpec): Promise<Mark> {
    const underWay = this.#starting.get(spec.id);
    if (underWay) return underWay;
    const starting = this.#start(spec).finally(() => this.#starting.delete(spec.id));
    this.#starting.set(spec.id, starting);
    return starting;
  }

  async #start(spec: InstanceSpec): Promise<Mark> {
    const secretHash = hashSecret(spec.secret);
    const earlier = this.#instances.get(spec.id);
    await earlier?.stopping?.report;
    const hasRun = earlier !== undefined || this.#logs.has(spec.id);
    const running = hasRun ? await this.#locate({ id: spec.id, secretHash, mark: null }) : null;
    if (running) {
      this.#take(spec.id, secretHash, running);
      return markOf(running);
    }
    if (earlier) await this.#clearAway(earlier);

    if (spec.direct) {
      const leader = await this.#launchDirect(spec, spec.direct, secretHash);
      this.#know(spec.id, secretHash, leader, 'keeper');
      return markOf(leader);
    }
    const { child, leader } = await spawnInstance(spec, () => this.#logs.openForWriting(spec.id));
    const instance = this.#know(spec.id, secretHash, leader, 'us');
    child.once('exit', (code, signal) => this.#ended(instance, code, signal));
    return markOf(leader);
  }

  /** When the keeper is lost before it answers, the instance may run all the same. */
  async #launchDirect(spec: InstanceSpec, place: DirectPlace, tokenHash: string): Promise<ProcessId> {
    if (!this.#keeper) throw new SegueError('SPAWN_FAILED', `${spec.id}: nobody keeps public sockets here.`);
    const order = directLaunch(spec, place, tokenHash, this.#logs.prepare(spec.id));
    try {
      return await this.#keeper.launch(order);
    } catch (error) {
      const isUnknown = error instanceof SegueError && error.code === 'GATEWAY_UNREACHABLE';
      const leader = isUnknown ? await findLeader(tokenHash) : null;
      if (!leader) throw error;
      this.#keeper.adopt({ ...place, ...leader, id: spec.id, tokenHash });
      return leader;
    }
  }

  /** What an earlier run left behind would still hold its port. */
  async #clearAway(earlier: Instance): Promise<void> {
    if (earlier.leader && readLive(earlier.leader)) {
      throw new SegueError('SPAWN_FAILED', `${earlier.id} still runs as process ${earlier.leader.pid}.`);
    }
    const killAtMs = this.#clock.monotonicMs();
    const order = { signal: 'SIGKILL', killAtMs, told: false, onTold: () => undefined } as const;
    await stopWhole(earlier, order, this.#clock);
  }

  async adopt(identity: InstanceIdentity): Promise<Mark | null> {
    const leader = await this.#locate(identity);
    // Known even when its leader is gone: what that left behind can then be stopped.
    this.#take(identity.id, identity.secretHash, leader);
    if (!leader) return null;
    const { id, secretHash, direct } = identity;
    if (direct) this.#keeper?.adopt({ ...direct, ...leader, id, tokenHash: secretHash });
    await this.#logs.rotate(identity.id).catch(() => undefined);
    return markOf(leader);
  }

  async #locate({ id, secretHash, mark }: InstanceIdentity): Promise<ProcessId | null> {
    const known = this.#instances.get(id);
    if (known?.leader && known.secretHash === secretHash) return readLive(known.leader) && known.leader;
    if (!mark) return findLeader(secretHash);
    const leader = leaderIn(mark);
    return leader && (await verifyLeader(leader, secretHash)) ? leader : null;
  }

  /** A run that is known stays as it is known; one that runs is not replaced by what is not found. */
  #take(id: string, secretHash: string, leader: ProcessId | null): void {
    const known = this.#instances.get(id);
    if (known?.leader && (known.secretHash === secretHash || known.phase === 'running')) return;
    this.#know(id, secretHash, leader, 'others');
  }

  #know(id: string, secretHash: string, leader: ProcessId | null, childOf: Instance['childOf']): Instance {
    const phase = leader ? 'running' : 'ended';
    const instance: Instance = {
      id,
      secretHash,
      leader,
      childOf,
      phase,
      missed: 0,
      seen: new Set(),
      stopping: null,
    };
    this.#instances.set(id, instance);
    return instance;
  }

  stop(id: string, how: StopOrder): Promise<StopReport> {
    const instance = this.#instances.get(id);
    if (!instance) return Promise.reject(new SegueError('INSTANCE_UNKNOWN', `"${id}" was not started here.`));
    const killAtMs = this.#clock.monotonicMs() + how.withinMs;
    if (instance.stopping) {
      instance.stopping.order.killAtMs = Math.min(instance.stopping.order.killAtMs, killAtMs);
      return instance.stopping.report;
    }
    instance.phase = 'stopped';
    const { signal, told, onTold } = how;
    const order: StopDeadline = {
      signal,
      killAtMs,
      told: told ?? false,
      onTold: onTold ?? (() => undefined),
    };
    const report = stopWhole(instance, order, this.#clock).finally(() => (instance.stopping = null));
    instance.stopping = { order, report };
    return report;
  }

  onExit(listener: (exit: InstanceExit) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async listening(id: string): Promise<readonly number[] | null> {
    const instance = this.#instances.get(id);
    if (!instance) return null;
    const members = await findMembers(instance);
    const found = await Promise.all(members.map((member) => readListening(member.pid)));
    const ports = new Set(found.flatMap((list) => list ?? []));
    if (ports.size === 0 && found.includes(null)) return null;
    return [...ports].sort((a, b) => a - b);
  }

  async usage(ids: readonly string[]): Promise<ReadonlyMap<string, Usage>> {
    const all = readAll();
    const found = new Map<string, Usage>();
    for (const id of ids) {
      const instance = this.#instances.get(id);
      const usage = instance && (await usageOf(nearMembers(instance, all)));
      if (usage) found.set(id, usage);
    }
    return found;
  }

  portIsFree(port: number): Promise<boolean> {
    return portIsFree(port);
  }

  logs(id: string, request: LogRequest): AsyncIterable<string> {
    const signal = AbortSignal.any([request.signal, this.#closed.signal]);
    return readLines(this.#logs.find(id), { ...request, signal }, this.#clock);
  }

  async forget(id: string): Promise<void> {
    const instance = this.#instances.get(id);
    if (instance) instance.phase = 'stopped';
    this.#instances.delete(id);
    await this.#logs.forget(id);
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    this.#closed.abort();
    this.#listeners.clear();
    await this.#rotation;
  }

  #ended(instance: Instance, code: number | null, signal: string | null): void {
    rememberSession(instance);
    if (instance.phase !== 'running') return;
    instance.phase = 'ended';
    for (const listener of this.#listeners) listener({ id: instance.id, code, signal });
  }

  /** It knows how it ended; what is looked for sees only that. */
  #endedAtKeeper({ id, pid, code, signal }: DirectExit): void {
    const instance = this.#instances.get(id);
    if (instance?.leader?.pid === pid) this.#ended(instance, code, signal);
  }

  /** What a keeper started is its child: it is given time to say how it ended. */
  #watchAdopted(): void {
    for (const instance of this.#instances.values()) {
      const { childOf, phase, leader } = instance;
      if (childOf === 'us' || phase !== 'running' || !leader || readLive(leader)) continue;
      instance.missed += 1;
      if (childOf === 'others' || instance.missed > limits.runtime.keeperLooksMax)
        this.#ended(instance, null, null);
    }
  }

  /** One after the other and never twice at once. What fails (a full disk) is tried again at the next look. */
  #rotateAll(): void {
    this.#rotation ??= this.#rotateEach([...this.#instances.keys()]).finally(() => (this.#rotation = null));
  }

  async #rotateEach(ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.#logs.rotate(id).catch(() => undefined);
  }
}

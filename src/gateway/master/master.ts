/**
 * The gateway's master: holds the sockets that clients connect to, keeps workers on them, and is what control
 * speaks to. It runs exactly one routing at a time (R3, R7), and needs nobody: without control it goes on with
 * what it has. It carries no traffic itself.
 */
import { limits } from '../../core/limits.ts';
import { listenKey, listenOf } from '../../core/listen.ts';
import type { Listen } from '../../core/project.ts';
import { addressesOf } from '../../core/traffic/addresses.ts';
import type { TrafficReport } from '../../core/traffic/counts.ts';
import { ReportBook } from '../../core/traffic/report-book.ts';
import type { Routing } from '../../core/traffic/routing.ts';
import { countedBy } from '../../core/traffic/worker-rows.ts';
import type { GatewaySettings } from '../../core/traffic/settings.ts';
import type { Stage } from '../../wire/gateway-messages.ts';
import type { MemberName } from '../../wire/worker-messages.ts';
import { monotonicMs } from '../clock.ts';
import type { FailedListen } from '../listeners.ts';
import { Crew } from './crew.ts';
import type { HeldSockets } from './held-sockets.ts';
import type { Member } from './member.ts';
import type { SnapshotFile } from './snapshot-file.ts';
import type { Starts } from './starts.ts';
import { Successor } from './successor.ts';

export type Applied =
  | { readonly type: 'applied'; readonly failed: readonly FailedListen[] }
  | { readonly type: 'refused'; readonly reason: string };

export interface MasterOptions {
  readonly sockets: HeldSockets;
  readonly starts: Starts;
  /** Sockets that instances in direct mode share. */
  readonly directSockets: () => readonly { readonly listen: Listen; readonly fd: number }[];
  readonly snapshot: SnapshotFile;
  /** As many workers as this unless the routing says otherwise. */
  readonly workers: number;
  readonly log: (line: string) => void;
  /** With each routing, before it is acknowledged. */
  readonly onSettings: (settings: GatewaySettings) => Promise<void>;
  /** What changed since the one before. */
  readonly onReport: (report: TrafficReport) => void;
  /** Somebody else is found under the common names. */
  readonly isSuperseded: () => boolean;
  /** Another master has taken over: this one has nothing left to do. */
  readonly onFollowed: () => void;
}

export class Master {
  readonly #options: MasterOptions;
  readonly crew: Crew;
  readonly #book = new ReportBook();
  readonly #sinceMs = monotonicMs();
  #handingOver = false;
  /** The worker that was asked to start a master with its sockets. */
  #asked = '';
  readonly #timers: readonly NodeJS.Timeout[];
  #routing: Routing | null = null;
  #fence = 0;
  /** Where it came from: a routing of control's replaces one from disk, whatever its number. */
  #fromDisk = false;
  #work: Promise<unknown> = Promise.resolve();
  #reportDue = false;

  constructor(options: MasterOptions) {
    this.#options = options;
    this.crew = new Crew({
      ...options,
      onReport: (member, report, urgent) => {
        this.#book.take(member, countedBy(member, report));
        if (urgent) this.#reportSoon();
      },
      onGone: (member) => this.#book.bury(member),
      onStranger: (member) => this.#askForSockets(member),
      onRescued: () => this.#followed(),
    });
    this.#timers = [
      setInterval(() => this.reportNow(), limits.gateway.reportIntervalMs),
      setInterval(() => this.#tick(), limits.gateway.workerTickMs),
    ];
  }

  get routing(): Routing | null {
    return this.#routing;
  }

  get fence(): number {
    return this.#fence;
  }

  /** R7: false when a newer control was here. */
  admit(fence: number): boolean {
    if (fence < this.#fence) return false;
    this.#fence = fence;
    return true;
  }

  /** One after the other: an acknowledgement means that the routing with its number is in force everywhere. */
  apply(routing: Routing): Promise<Applied> {
    return this.#inTurn(() => this.#apply(routing));
  }

  /** The last good routing, without control. */
  async restore(): Promise<void> {
    const snapshot = await this.#options.snapshot.read();
    if (snapshot.type === 'refused') this.#options.log(`the routing on disk is refused: ${snapshot.reason}`);
    if (snapshot.type !== 'found' || this.#routing) return;
    const { routing } = snapshot;
    this.#options.log(`serves routing ${routing.number} from disk`);
    this.#fromDisk = true;
    await this.#inTurn(() => this.#putInForce(routing));
  }

  /** What the master before had in force, with its sockets. Resolves when clients are served by it. */
  async takeUp(routing: Routing | null, fence: number): Promise<void> {
    this.#fence = fence;
    if (!routing) return;
    void this.#inTurn(() => this.#putInForce(routing));
    await this.crew.covered(routing.number);
  }

  /** Counts of workers that are gone since long. */
  inherit(departed: TrafficReport): void {
    this.#book.inherit(departed);
  }

  /** What changed since the last report, with everything that ended before the call. */
  async freshChanges(): Promise<TrafficReport> {
    await this.crew.askReports();
    return this.#dated(this.#book.changes());
  }

  async freshReport(): Promise<TrafficReport> {
    await this.crew.askReports();
    return this.report();
  }

  /** Of several that have what is missing, one is enough. */
  #askForSockets(member: Member): void {
    const { members } = this.crew;
    if (members.some(({ id, joined }) => joined && id === this.#asked)) return;
    this.#asked = member.id;
    member.send({ type: 'rescue' });
  }

  get workers(): { pid: number; stage: Stage }[] {
    return this.crew.members.filter(({ joined }) => joined).map(({ pid, stage }) => ({ pid, stage }));
  }

  /** Everything counted so far. */
  report(): TrafficReport {
    return this.#dated(this.#book.whole());
  }

  /**
   * New code follows, without a refused connection. Null when it has; else why not, and everything is as it was.
   */
  upgrade(mainFile: string): Promise<string | null> {
    return this.#inTurn(async () => {
      const { sockets, directSockets, log } = this.#options;
      log(`is to be followed by ${mainFile}`);
      const members = this.crew.members
        .filter((m) => m.joined)
        .map(({ id, pid }): MemberName => ({ id, pid }));
      const order = { routing: this.#routing, fence: this.#fence, members, afterwards: 'retire' as const };
      const successor = new Successor({
        mainFile,
        sockets: [
          ...sockets.all.map(({ listen, fd }) => ({ listen, fd, direct: false })),
          ...directSockets().map(({ listen, fd }) => ({ listen, fd, direct: true })),
        ],
        ...order,
      });
      this.#handingOver = true;
      const failure = await successor.ready();
      if (failure !== null) {
        this.#handingOver = false;
        log(`was not followed: ${failure}`);
        return failure;
      }
      const loss = await successor.handOver({ type: 'yours', departed: this.#book.departed() });
      this.#handingOver = loss === null;
      if (loss !== null) return loss;
      // The answer to control goes out first.
      setImmediate(() => this.#followed());
      return null;
    });
  }

  /** No new connections, requests under way within the grace, and nothing to be served by the next start. */
  async stop(graceMs: number, forGood: boolean): Promise<void> {
    const { snapshot, sockets } = this.#options;
    for (const each of this.#timers) clearInterval(each);
    const stopped = this.crew.stop(graceMs);
    // Refused from here on, rather than taken and never answered; what the service manager opened stays its own.
    for (const key of sockets.keys) sockets.drop(key);
    await stopped;
    if (forGood) await snapshot.remove();
    else await snapshot.written();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => undefined);
    return done;
  }

  async #apply(routing: Routing): Promise<Applied> {
    const current = this.#fromDisk ? null : this.#routing;
    if (!this.admit(routing.fence)) {
      return { type: 'refused', reason: `fence ${routing.fence} is older than ${this.#fence}` };
    }
    if (current && routing.number < current.number) {
      return { type: 'refused', reason: `routing ${routing.number} is older than ${current.number}` };
    }
    this.#fromDisk = false;
    const failed = await this.#putInForce(routing);
    this.#options.snapshot.keep(routing);
    return { type: 'applied', failed };
  }

  /**
   * First the sockets, then workers that have them, then away with what is left over: what moves to another
   * address is served on one of the two at any moment.
   */
  async #putInForce(routing: Routing): Promise<readonly FailedListen[]> {
    const { sockets } = this.#options;
    this.#routing = routing;
    const wanted = new Map(
      addressesOf(routing.services, routing.settings).map((listen) => [listenKey(listen), listen]),
    );
    const leftOver = () => sockets.keys.filter((key) => !wanted.has(key));
    let unbound = await this.#bind([...wanted.values()]);
    const inTheWay = leftOver().filter((key) =>
      unbound.some(({ listen }) => listenOf(key).port === listen.port),
    );
    if (inTheWay.length > 0) {
      // The same port on another address can only be had once the old one is free.
      await this.crew.route(routing, false);
      for (const key of inTheWay) sockets.drop(key);
      unbound = await this.#bind([...wanted.values()]);
    }
    const keep = unbound.length > 0;
    const unheard = await this.crew.route(routing, keep);
    if (!keep) for (const key of leftOver()) sockets.drop(key);
    await this.#options.onSettings(routing.settings);
    this.#reportSoon();
    return [...unbound, ...unheard];
  }

  async #bind(listens: readonly Listen[]): Promise<FailedListen[]> {
    const { sockets } = this.#options;
    const missing = listens.filter((listen) => !sockets.has(listenKey(listen)));
    const attempts = await Promise.all(missing.map((listen) => sockets.bind(listen)));
    return attempts.filter((failure) => failure !== null);
  }

  #tick(): void {
    if (!this.#handingOver && this.#options.isSuperseded()) this.#followed();
    else this.crew.tick();
  }

  #followed(): void {
    for (const each of this.#timers) clearInterval(each);
    this.crew.leave();
    this.#options.onFollowed();
  }

  /** Together with whatever else happens in this turn of the event loop. */
  #reportSoon(): void {
    if (this.#reportDue) return;
    this.#reportDue = true;
    setImmediate(() => {
      this.#reportDue = false;
      this.reportNow();
    });
  }

  /** To whoever listens, what changed. */
  reportNow(): void {
    this.#options.onReport(this.#dated(this.#book.changes()));
  }

  /** While a worker is missing it says nothing of any routing: what he has under way is not in it (R2, R8). */
  #dated(report: TrafficReport): TrafficReport {
    if (!this.crew.complete) return { ...report, routing: 0, workers: null };
    // Whoever outlived another master has come by then, announced or not.
    const isSettled = monotonicMs() - this.#sinceMs > limits.gateway.rejoinMs;
    const all = { ...report, workers: isSettled ? this.#book.workers : null };
    const nobody = this.crew.members.every(({ joined }) => !joined);
    return nobody ? { ...all, routing: this.#routing?.number ?? 0 } : all;
  }
}

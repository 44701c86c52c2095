/**
 * The data plane: runs exactly one routing at a time (R3, R7), whole or not at all, and says which. It needs
 * nobody: without control it goes on with what it has.
 */
import { limits } from '../core/limits.ts';
import type { TrafficReport } from '../core/traffic/counts.ts';
import type { Routing } from '../core/traffic/routing.ts';
import { EMPTY_REPORT } from '../core/traffic/report-book.ts';
import type { AccessLogSettings, GatewaySettings } from '../core/traffic/settings.ts';
import { TICKET_KEY } from '../wire/paths.ts';
import { AccessLog } from './access-log/access-log.ts';
import { AccessLogFile } from './access-log/log-file.ts';
import { nowMs, timer } from './clock.ts';
import { Fleet } from './fleet.ts';
import { GatewayTally } from './gateway-tally.ts';
import { type FailedListen, type InheritedSockets, Listeners } from './listeners.ts';
import type { Surroundings } from './listener.ts';
import { Sweep } from './sweep.ts';
import { Certificates } from './tls/certificates.ts';

export type Applied =
  | { readonly type: 'applied'; readonly failed: readonly FailedListen[] }
  | { readonly type: 'refused'; readonly reason: string };

export interface GatewayOptions {
  readonly onReport: (report: TrafficReport) => void;
  readonly log: (line: string) => void;
  /** With each routing, before it is acknowledged. */
  readonly onSettings?: (settings: GatewaySettings) => Promise<void>;
  /** Left out: it binds the addresses of its routings itself. */
  readonly inherited?: InheritedSockets;
}

export class Gateway {
  readonly #sweep = new Sweep();
  readonly #tally = new GatewayTally();
  readonly #certificates: Certificates;
  readonly #surroundings: Surroundings;
  readonly #listeners: Listeners;
  readonly #fleet: Fleet;
  readonly #onReport: (report: TrafficReport) => void;
  readonly #onSettings: (settings: GatewaySettings) => Promise<void>;
  readonly #ticking: NodeJS.Timeout;
  #routing: Routing | null = null;
  #fence = 0;
  #reportDue = false;
  #applying: Promise<unknown> = Promise.resolve();

  constructor(options: GatewayOptions) {
    const { log, inherited = null } = options;
    this.#certificates = new Certificates({
      ticketFile: TICKET_KEY,
      log,
      onChange: () => this.#listeners.refresh(),
    });
    this.#surroundings = {
      ...{ sweep: this.#sweep, tally: this.#tally, certificates: this.#certificates, log },
      accessLog: null,
    };
    this.#listeners = new Listeners(this.#surroundings, inherited);
    this.#fleet = new Fleet(this.#sweep, () => this.#reportSoon());
    this.#onReport = options.onReport;
    this.#onSettings = options.onSettings ?? (() => Promise.resolve());
    this.#ticking = setInterval(() => this.#tick(), limits.gateway.reportIntervalMs);
  }

  get routing(): Routing | null {
    return this.#routing;
  }

  /** R7: false when a newer control was here. */
  admit(fence: number): boolean {
    if (fence < this.#fence) return false;
    this.#fence = fence;
    return true;
  }

  /**
   * One after the other: an acknowledgement means that the routing with its number is in force. With `keep`,
   * addresses that it leaves are still listened on.
   */
  apply(routing: Routing, keep = false): Promise<Applied> {
    const applied = this.#applying.then(() => this.#apply(routing, keep));
    this.#applying = applied.catch(() => undefined);
    return applied;
  }

  /** Accepts no more; what is connected goes on, under every further routing. */
  release(): void {
    this.#listeners.release();
  }

  /** The same, and what is connected ends with its next response; streams are told to reconnect. */
  retire(): void {
    this.#listeners.retire();
    this.#fleet.retire();
  }

  /** Resolves when the last connection is gone, after `release` or `retire`. */
  gone(): Promise<void> {
    return this.#listeners.gone();
  }

  /** No new connections, an end for those that are open, and after the grace a cut. */
  async stop(graceMs: number): Promise<void> {
    clearInterval(this.#ticking);
    this.#fleet.endHeld();
    const grace = timer(() => this.#cut(), graceMs);
    for (const instance of this.#fleet.instances) {
      instance.drain({ id: instance.id, requestsMs: graceMs, streamsMs: graceMs });
    }
    await this.#listeners.close();
    clearTimeout(grace);
    this.#certificates.stop();
    await this.#setAccessLog(null);
    this.#sweep.stop();
  }

  /** Everything counted so far, without the failures: those go out once. */
  report(): TrafficReport {
    return { ...EMPTY_REPORT, ...this.#now(), whole: true, ...this.#fleet.rows() };
  }

  /** What was counted since the last one, to whoever listens, now. */
  reportChanges(): void {
    this.#onReport({ ...this.#now(), whole: false, ...this.#fleet.changes() });
  }

  #now() {
    const routing = this.#routing?.number ?? 0;
    const certificates = this.#certificates.states();
    return { atMs: nowMs(), routing, certificates, gateway: this.#tally.counts(), direct: [] };
  }

  async #apply(routing: Routing, keep: boolean): Promise<Applied> {
    const current = this.#routing;
    if (!this.admit(routing.fence)) {
      return { type: 'refused', reason: `fence ${routing.fence} is older than ${this.#fence}` };
    }
    if (current && routing.number < current.number) {
      return { type: 'refused', reason: `routing ${routing.number} is older than ${current.number}` };
    }
    await this.#certificates.apply(routing.settings.certificates);
    this.#routing = routing;
    void this.#setAccessLog(routing.settings.accessLog);
    this.#fleet.apply(routing);
    const failed = await this.#listeners.apply(this.#fleet.proxied, routing.settings, keep);
    this.#fleet.releaseHeld();
    await this.#onSettings(routing.settings);
    this.#reportSoon();
    return { type: 'applied', failed };
  }

  /** Resolves when a log that ends is written. */
  async #setAccessLog(settings: AccessLogSettings | null): Promise<void> {
    const { accessLog: log } = this.#surroundings;
    if (settings === null) {
      this.#surroundings.accessLog = null;
      await log?.close();
    } else if (log) {
      log.settings = settings;
    } else {
      const file = new AccessLogFile('.', String(process.pid));
      this.#surroundings.accessLog = new AccessLog(settings, file, (lines) => this.#tally.logDropped(lines));
    }
  }

  #cut(): void {
    for (const instance of this.#fleet.instances) instance.cut();
    this.#listeners.cut();
  }

  /** Together with whatever else happens in this turn of the event loop. */
  #reportSoon(): void {
    if (this.#reportDue) return;
    this.#reportDue = true;
    setImmediate(() => {
      this.#reportDue = false;
      this.reportChanges();
    });
  }

  #tick(): void {
    this.reportChanges();
    this.#fleet.forgetGone();
  }
}

/**
 * The data plane, as each worker runs it: exactly one routing at a time (R3), whole or not at all. It needs nobody:
 * without a master it goes on with what it has.
 */
import { limits } from '../core/limits.ts';
import type { TrafficReport } from '../core/traffic/counts.ts';
import type { Routing, ServiceRouting } from '../core/traffic/routing.ts';
import { EMPTY_REPORT } from '../core/traffic/report-book.ts';
import type { AccessLogSettings, GatewaySettings } from '../core/traffic/settings.ts';
import { TICKET_KEYS } from '../wire/paths.ts';
import { AccessLog } from './access-log/access-log.ts';
import { AccessLogFile } from './access-log/log-file.ts';
import { nowMs, timer } from './clock.ts';
import { CountryFile } from './country-file.ts';
import { Fleet } from './fleet.ts';
import { GatewayTally } from './gateway-tally.ts';
import { type FailedListen, type InheritedSockets, Listeners } from './listeners.ts';
import type { Surroundings } from './listener.ts';
import { Sweep } from './sweep.ts';
import { Certificates } from './tls/certificates.ts';

export interface GatewayOptions {
  /** It is time for a report. `urgent`: something ended that somebody may wait for. */
  readonly onDue: (urgent: boolean) => void;
  readonly log: (line: string) => void;
  /** Left out: it binds the addresses of its routings itself. */
  readonly inherited?: InheritedSockets;
}

export class Gateway {
  readonly #sweep = new Sweep();
  readonly #tally = new GatewayTally();
  readonly #certificates: Certificates;
  readonly #countries: CountryFile;
  readonly #surroundings: Surroundings;
  readonly #listeners: Listeners;
  readonly #fleet: Fleet;
  readonly #onDue: (urgent: boolean) => void;
  readonly #ticking: NodeJS.Timeout;
  #routing: Routing | null = null;
  #reportDue = false;
  #applying: Promise<unknown> = Promise.resolve();

  constructor(options: GatewayOptions) {
    const { log, inherited = null } = options;
    this.#certificates = new Certificates({
      ticketDir: TICKET_KEYS,
      log,
      onChange: () => this.#listeners.refresh(),
    });
    this.#surroundings = {
      ...{ sweep: this.#sweep, tally: this.#tally, certificates: this.#certificates, log },
      accessLog: null,
    };
    this.#listeners = new Listeners(this.#surroundings, inherited);
    this.#countries = new CountryFile(log);
    this.#fleet = new Fleet(this.#sweep, this.#countries, () => this.#reportSoon());
    this.#onDue = options.onDue;
    this.#ticking = setInterval(() => this.#tick(), limits.gateway.reportIntervalMs);
  }

  get routing(): Routing | null {
    return this.#routing;
  }

  /**
   * One after the other: when it resolves, the routing is in force. With `keep`, addresses that it leaves are still
   * listened on.
   */
  apply(routing: Routing, keep = false): Promise<readonly FailedListen[]> {
    const applied = this.#applying.then(() => this.#apply(routing, keep));
    this.#applying = applied.catch(() => undefined);
    return applied;
  }

  /** A routing with these settings is on its way; one that was and did not come is forgotten. */
  expect(settings: GatewaySettings): void {
    this.#fleet.expect(settings);
  }

  /** Services of it. What takes time is done here, part by part, and not when the routing is put in force. */
  prepare(services: readonly ServiceRouting[]): void {
    this.#fleet.prepare(services);
  }

  /** Of the inherited sockets, those that it listens on or still may. */
  get sockets(): InheritedSockets {
    return this.#listeners.sockets;
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
    this.#countries.stop();
    await this.#setAccessLog(null);
    this.#sweep.stop();
  }

  /** Everything counted so far, without the failures: those go out once. */
  report(): TrafficReport {
    return { ...EMPTY_REPORT, ...this.#now(), whole: true, ...this.#fleet.rows() };
  }

  /** What was counted since the last call. */
  changes(): TrafficReport {
    return { ...this.#now(), whole: false, ...this.#fleet.changes() };
  }

  #now() {
    const routing = this.#routing?.number ?? 0;
    const certificates = this.#certificates.states();
    const countryFile = this.#countries.state();
    const about = { atMs: nowMs(), routing, certificates, countryFile, workers: null };
    return { ...about, gateway: this.#tally.counts(), direct: [] };
  }

  async #apply(routing: Routing, keep: boolean): Promise<readonly FailedListen[]> {
    await this.#certificates.apply(routing.settings.certificates);
    await this.#countries.apply(routing.settings.countryFile);
    this.#routing = routing;
    void this.#setAccessLog(routing.settings.accessLog);
    const settled = this.#fleet.apply(routing);
    const failed = await this.#listeners.apply(this.#fleet.proxied, routing.settings, keep);
    await settled;
    this.#fleet.releaseHeld();
    this.#reportSoon();
    return failed;
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
      this.#onDue(true);
    });
  }

  #tick(): void {
    this.#onDue(false);
    this.#fleet.forgetGone();
  }
}

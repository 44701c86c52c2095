/**
 * Segue's own gateway as a traffic plane. It finds or starts the process, tells it each routing and waits for the
 * acknowledgement (R3), and when the gateway is lost brings it back and gives it the last routing again. Being
 * fenced out (R7) is final.
 */
import fs from 'node:fs';
import path from 'node:path';
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { TrafficReport } from '../../../core/traffic/counts.ts';
import { ReportBook } from '../../../core/traffic/report-book.ts';
import type { Routing } from '../../../core/traffic/routing.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { DirectExit, DirectLaunch, DirectProcess, SocketKeeper } from '../../../ports/socket-keeper.ts';
import type {
  AccessLogRequest,
  PlaneEvent,
  PlaneWorker,
  RoutingAck,
  TrafficPlane,
} from '../../../ports/traffic-plane.ts';
import type { Occupant } from '../../../wire/direct-messages.ts';
import type { FromGateway } from '../../../wire/gateway-messages.ts';
import { GATEWAY_SOCKET } from '../../../wire/paths.ts';
import { socketPath } from '../../../wire/socket-path.ts';
import { SEGUE_VERSION } from '../../../wire/version.ts';
import { readAccessLog } from './access-log-reader.ts';
import { Acknowledgements } from './acknowledgements.ts';
import { DirectOrders } from './direct-orders.ts';
import { GatewayLink, type GatewayHello } from './link.ts';
import { lastLogLines, startGateway } from './start.ts';

export interface GatewayPlaneOptions {
  /** Absolute: the project folder. */
  readonly root: string;
  /** Absolute: the file that Node runs as the gateway. */
  readonly mainFile: string;
  readonly clock: Clock;
}

type State =
  | { readonly type: 'closed' }
  | { readonly type: 'connected'; readonly link: GatewayLink }
  | { readonly type: 'lost' }
  | { readonly type: 'fenced-out'; readonly reason: string };

export class GatewayPlane implements TrafficPlane, SocketKeeper {
  readonly name = 'gateway';
  readonly #options: GatewayPlaneOptions;
  readonly #reportListeners = new Set<(report: TrafficReport) => void>();
  readonly #eventListeners = new Set<(event: PlaneEvent) => void>();
  readonly #acknowledgements = new Acknowledgements();
  readonly #direct = new DirectOrders();
  #state: State = { type: 'closed' };
  #closing = new AbortController();
  #fence = 0;
  #last: Routing | null = null;
  #report: TrafficReport | null = null;
  readonly #book = new ReportBook();
  /** Numbers of the last fresh report asked for and got. */
  #asked = 0;
  #answered = 0;
  #workers: readonly PlaneWorker[] = [];
  #lostAtMs = -Infinity;
  #upgraded: (failure: string | null) => void = () => undefined;

  constructor(options: GatewayPlaneOptions) {
    this.#options = options;
  }

  async open(fence: number): Promise<void> {
    this.#fence = fence;
    this.#closing = new AbortController();
    await this.#connect();
  }

  apply(routing: Routing): Promise<RoutingAck> {
    const state = this.#state;
    if (state.type === 'fenced-out') return Promise.reject(new SegueError('FENCED_OUT', state.reason));
    if (state.type === 'closed') {
      return Promise.reject(new SegueError('GATEWAY_UNREACHABLE', 'The plane is not open.'));
    }
    // A refused one must not come back after a loss.
    if (routing.number >= (this.#last?.number ?? 0)) this.#last = routing;
    const acknowledged = this.#acknowledgements.of(routing.number);
    // While it is lost, the way back sends the last routing by itself.
    if (state.type === 'connected') state.link.send({ type: 'routing', routing });
    return acknowledged;
  }

  report(): TrafficReport | null {
    return this.#report;
  }

  freshReport(): Promise<TrafficReport | null> {
    const state = this.#state;
    if (state.type !== 'connected') return Promise.resolve(this.#report);
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        unsubscribe();
        resolve(this.#report);
      };
      const timer = setTimeout(done, limits.gateway.freshReportTimeoutMs);
      this.#asked += 1;
      const asked = this.#asked;
      const unsubscribe = this.onReport(() => {
        if (this.#answered >= asked) done();
      });
      state.link.send({ type: 'report', asked });
    });
  }

  onReport(listener: (report: TrafficReport) => void): () => void {
    this.#reportListeners.add(listener);
    return () => this.#reportListeners.delete(listener);
  }

  accessLog(request: AccessLogRequest): AsyncGenerator<string> {
    return readAccessLog(this.#options.root, request, this.#options.clock);
  }

  onEvent(listener: (event: PlaneEvent) => void): () => void {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }

  launch(order: DirectLaunch): Promise<DirectProcess> {
    const state = this.#state;
    if (state.type === 'connected') return this.#direct.launch(order, (message) => state.link.send(message));
    const why = 'It keeps the socket that the instance shares, and is not there.';
    return Promise.reject(new SegueError('GATEWAY_UNREACHABLE', why));
  }

  adopt(occupant: Occupant): void {
    this.#direct.adopt(occupant);
    const state = this.#state;
    if (state.type === 'connected') state.link.send({ type: 'occupants', occupants: [occupant] });
  }

  onExit(listener: (exit: DirectExit) => void): () => void {
    return this.#direct.onExit(listener);
  }

  get workers(): readonly PlaneWorker[] {
    return this.#workers;
  }

  async upgrade(force: boolean): Promise<boolean> {
    const state = this.#state;
    if (state.type !== 'connected') {
      throw new SegueError('GATEWAY_UNREACHABLE', 'It cannot be upgraded while it does not answer.');
    }
    if (!force && state.link.hello.version === SEGUE_VERSION) return false;
    const failure = await new Promise<string | null>((resolve) => {
      const { upgradeTimeoutMs, ackTimeoutMs } = limits.gateway;
      const timer = setTimeout(() => resolve('The gateway says nothing.'), upgradeTimeoutMs + ackTimeoutMs);
      this.#upgraded = (outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      };
      state.link.send({ type: 'upgrade', mainFile: this.#options.mainFile });
    });
    if (failure !== null) throw new SegueError('GATEWAY_UPGRADE_FAILED', failure);
    // Expected, so nobody is told of a loss: the new one is there already.
    if (this.#state === state) this.#state = { type: 'lost' };
    state.link.close();
    await this.#comeBack();
    return true;
  }

  async stop(graceMs: number): Promise<void> {
    const state = this.#state;
    this.#closing.abort();
    if (state.type !== 'connected') return this.close();
    const { pid } = state.link.hello;
    state.link.send({ type: 'stop', graceMs });
    const { clock } = this.#options;
    const untilMs = clock.monotonicMs() + graceMs + limits.gateway.ackTimeoutMs;
    while (isAlive(pid) && clock.monotonicMs() < untilMs)
      await clock.sleep(limits.gateway.startPollIntervalMs);
    await this.close();
    if (isAlive(pid)) throw new SegueError('GATEWAY_UNREACHABLE', `It does not stop (process ${pid}).`);
  }

  close(): Promise<void> {
    const state = this.#state;
    this.#state = { type: 'closed' };
    this.#closing.abort();
    if (state.type === 'connected') state.link.close();
    this.#acknowledgements.refused(null, new SegueError('GATEWAY_UNREACHABLE', 'The plane was closed.'));
    return Promise.resolve();
  }

  /** Finds the gateway or starts one; afterwards it runs the last routing, if there is one. */
  async #connect(): Promise<void> {
    const { root, mainFile } = this.#options;
    let started = false;
    let link = await this.#dial();
    if (!link) {
      this.#leaveToWorkers();
      started = true;
      const gateway = await startGateway(mainFile, root);
      link = await this.#waitForStart(gateway.ended);
    }
    if (this.#closing.signal.aborted) return link.close();
    this.#state = { type: 'connected', link };
    this.#emit(eventOf(link.hello, started));
    for (const message of this.#direct.introduction) link.send(message);
    if (this.#last) link.send({ type: 'routing', routing: this.#last });
    if (link.closed) this.#lost('The connection was closed.');
  }

  /** Its workers outlive it and start the next one, with the sockets that nobody else could bind. */
  #leaveToWorkers(): void {
    const { clock } = this.#options;
    const { rescueAfterMs, startTimeoutMs } = limits.gateway;
    const serving = this.#workers.some(({ pid, stage }) => stage === 'serving' && isAlive(pid));
    if (!serving || clock.monotonicMs() > this.#lostAtMs + rescueAfterMs + startTimeoutMs) return;
    throw new SegueError('GATEWAY_UNREACHABLE', 'Its workers serve on, and start a new master.');
  }

  #dial(): Promise<GatewayLink | null> {
    const absolute = path.join(this.#options.root, GATEWAY_SOCKET);
    return GatewayLink.connect(socketPath(absolute, process.cwd()), this.#fence, {
      onMessage: (message) => this.#take(message),
      onClosed: (detail) => this.#lost(detail),
    });
  }

  async #waitForStart(ended: () => string | null): Promise<GatewayLink> {
    const { clock, root } = this.#options;
    const untilMs = clock.monotonicMs() + limits.gateway.startTimeoutMs;
    while (clock.monotonicMs() < untilMs) {
      const link = await this.#dial();
      if (link) return link;
      const end = ended();
      if (end) throw new SegueError('GATEWAY_UNREACHABLE', `It ended (${end}):\n${await lastLogLines(root)}`);
      await clock.sleep(limits.gateway.startPollIntervalMs, this.#closing.signal);
    }
    throw new SegueError('GATEWAY_UNREACHABLE', `It did not start in time:\n${await lastLogLines(root)}`);
  }

  #take(message: Exclude<FromGateway, GatewayHello>): void {
    switch (message.type) {
      case 'report':
        this.#takeReport(message);
        break;
      case 'ack':
        this.#acknowledgements.inForce({ number: message.number, failed: message.failed });
        break;
      case 'refused':
        this.#acknowledgements.refused(message.number, new SegueError(message.code, message.reason));
        break;
      case 'upgraded':
        this.#upgraded(message.failure);
        break;
      case 'launched':
      case 'not-launched':
      case 'exited':
        this.#direct.take(message);
        break;
    }
  }

  /** The gateway says what changed; here it is the whole again, with the failures that are new. */
  #takeReport({ report, asked, workers }: Extract<FromGateway, { type: 'report' }>): void {
    this.#book.take('gateway', report);
    const { failures, failuresMissed } = this.#book.changes();
    this.#report = { ...this.#book.whole(), failures, failuresMissed };
    this.#workers = workers;
    if (asked !== null) this.#answered = asked;
    for (const listener of this.#reportListeners) listener(this.#report);
  }

  #fencedOut(error: SegueError): void {
    this.#state = { type: 'fenced-out', reason: error.detail };
    this.#emit({ type: 'lost', detail: error.message });
    this.#acknowledgements.refused(null, error);
  }

  #lost(detail: string): void {
    if (this.#state.type !== 'connected' || this.#closing.signal.aborted) return;
    this.#state = { type: 'lost' };
    this.#lostAtMs = this.#options.clock.monotonicMs();
    this.#upgraded(detail);
    this.#emit({ type: 'lost', detail });
    this.#direct.rejectAll(new SegueError('GATEWAY_UNREACHABLE', detail));
    void this.#comeBack();
  }

  async #comeBack(): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#closing;
    let waitMs: number = limits.gateway.reconnectFirstMs;
    let said = '';
    while (!signal.aborted) {
      try {
        return await this.#connect();
      } catch (error) {
        if (error instanceof SegueError && error.code === 'FENCED_OUT') return this.#fencedOut(error);
        const detail = error instanceof Error ? error.message : String(error);
        if (detail !== said) this.#emit({ type: 'lost', detail });
        said = detail;
      }
      await clock.sleep(waitMs, signal).catch(() => undefined);
      waitMs = Math.min(waitMs * 2, limits.gateway.reconnectMaxMs);
    }
  }

  #emit(event: PlaneEvent): void {
    for (const listener of this.#eventListeners) listener(event);
  }
}

function eventOf({ pid, routing }: GatewayHello, started: boolean): PlaneEvent {
  return started ? { type: 'started', pid } : { type: 'adopted', pid, routing };
}

/** One that has ended and waits to be looked at (a zombie) is not. */
function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

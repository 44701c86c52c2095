/**
 * Segue's own gateway as a traffic plane. It finds or starts the process, tells it each routing and waits for the
 * acknowledgement (R3), and when the gateway is lost brings it back and gives it the last routing again. Being
 * fenced out (R7) is final.
 */
import path from 'node:path';
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { TrafficReport } from '../../../core/traffic/counts.ts';
import { ReportBook } from '../../../core/traffic/report-book.ts';
import type { Routing } from '../../../core/traffic/routing.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { AccessLogRequest, PlaneEvent, RoutingAck, TrafficPlane } from '../../../ports/traffic-plane.ts';
import type { DirectExit, DirectLaunch, DirectProcess, SocketKeeper } from '../../../ports/socket-keeper.ts';
import type { Occupant } from '../../../wire/direct-messages.ts';
import type { FromGateway } from '../../../wire/gateway-messages.ts';
import { GATEWAY_SOCKET } from '../../../wire/paths.ts';
import { socketPath } from '../../../wire/socket-path.ts';
import { readAccessLog } from './access-log-reader.ts';
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

interface Waiting {
  readonly number: number;
  readonly resolve: (ack: RoutingAck) => void;
  readonly reject: (error: SegueError) => void;
}

export class GatewayPlane implements TrafficPlane, SocketKeeper {
  readonly name = 'gateway';
  readonly #options: GatewayPlaneOptions;
  readonly #reportListeners = new Set<(report: TrafficReport) => void>();
  readonly #eventListeners = new Set<(event: PlaneEvent) => void>();
  readonly #waiting = new Set<Waiting>();
  readonly #direct = new DirectOrders();
  #state: State = { type: 'closed' };
  #closing = new AbortController();
  #fence = 0;
  #last: Routing | null = null;
  #report: TrafficReport | null = null;
  readonly #book = new ReportBook();

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
    const acknowledged = this.#acknowledgement(routing.number);
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
      const unsubscribe = this.onReport(done);
      state.link.send({ type: 'report' });
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
    this.#rejectAll(new SegueError('GATEWAY_UNREACHABLE', 'The plane was closed.'));
    return Promise.resolve();
  }

  #acknowledgement(number: number): Promise<RoutingAck> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
      };
      const waiting: Waiting = {
        number,
        resolve: (ack) => {
          settle();
          resolve(ack);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      const timer = setTimeout(() => {
        waiting.reject(new SegueError('GATEWAY_UNREACHABLE', `Routing ${number} was not acknowledged.`));
      }, limits.gateway.ackTimeoutMs);
      this.#waiting.add(waiting);
    });
  }

  /** Finds the gateway or starts one; afterwards it runs the last routing, if there is one. */
  async #connect(): Promise<void> {
    const { root, mainFile } = this.#options;
    let started = false;
    let link = await this.#dial();
    if (!link) {
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
        this.#takeReport(message.report);
        break;
      case 'ack':
        // Numbers only rise: a later routing in force answers for the earlier ones.
        for (const waiting of this.#waiting) {
          if (waiting.number <= message.number)
            waiting.resolve({ number: message.number, failed: message.failed });
        }
        break;
      case 'refused':
        this.#refused(message);
        break;
      case 'launched':
      case 'not-launched':
      case 'exited':
        this.#direct.take(message);
        break;
    }
  }

  /** The gateway says what changed; here it is the whole again, with the failures that are new. */
  #takeReport(report: TrafficReport): void {
    this.#book.take('gateway', report);
    const { failures, failuresMissed } = this.#book.changes();
    this.#report = { ...this.#book.whole(), failures, failuresMissed };
    for (const listener of this.#reportListeners) listener(this.#report);
  }

  #refused({ number, code, reason }: Extract<FromGateway, { type: 'refused' }>): void {
    for (const waiting of this.#waiting) {
      if (number === null || waiting.number === number) waiting.reject(new SegueError(code, reason));
    }
  }

  #fencedOut(error: SegueError): void {
    this.#state = { type: 'fenced-out', reason: error.detail };
    this.#emit({ type: 'lost', detail: error.message });
    this.#rejectAll(error);
  }

  #lost(detail: string): void {
    if (this.#state.type !== 'connected' || this.#closing.signal.aborted) return;
    this.#state = { type: 'lost' };
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

  #rejectAll(error: SegueError): void {
    for (const waiting of this.#waiting) waiting.reject(error);
  }

  #emit(event: PlaneEvent): void {
    for (const listener of this.#eventListeners) listener(event);
  }
}

function eventOf({ pid, routing }: GatewayHello, started: boolean): PlaneEvent {
  return started ? { type: 'started', pid } : { type: 'adopted', pid, routing };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** One control that is connected: what it asks for, in order, and the reports that it gets. */
import type { Socket } from 'node:net';
import { SegueError, toErrorRecord } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { TrafficReport } from '../../core/traffic/counts.ts';
import type { Routing } from '../../core/traffic/routing.ts';
import { summedUp } from '../../core/traffic/row-kinds.ts';
import {
  type FromGateway,
  GATEWAY_PROTOCOL,
  type HeardByGateway,
  toGateway,
} from '../../wire/gateway-messages.ts';
import { LineSplitter } from '../../wire/lines.ts';
import type { DirectDesk } from '../keeper/desk.ts';
import type { Master } from './master.ts';

export interface ControlPeerOptions {
  readonly master: Master;
  readonly direct: DirectDesk;
  readonly onStop: (graceMs: number) => void;
  /** It wants a report that knows of everything until now, with this number. */
  readonly onAsked: (asked: number) => Promise<void>;
}

export class ControlPeer {
  readonly #socket: Socket;
  readonly #options: ControlPeerOptions;
  readonly #splitter = new LineSplitter(limits.gateway.protocolLineBytesMax);
  #fence: number | undefined;
  #wantsChanges = false;
  #knowsWorkers = false;
  /** It has heard everything up to the last report. */
  #inStep = false;
  #failuresMissed = 0;

  constructor(socket: Socket, options: ControlPeerOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('data', (chunk: Buffer) => void this.#take(chunk));
  }

  /** It said who it is. */
  get listening(): boolean {
    return this.#fence !== undefined;
  }

  send(message: FromGateway): void {
    if (!this.#socket.writableEnded) this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  /** Left out for one that does not read: the next report that it gets says it all again. */
  report({ failures, failuresMissed, ...changes }: TrafficReport, asked: number | null): void {
    this.#failuresMissed += failuresMissed;
    if (this.#socket.writableLength > limits.gateway.controlBacklogBytesMax) {
      this.#inStep = false;
      this.#failuresMissed += failures.length;
      return;
    }
    const { master, direct } = this.#options;
    const rows = this.#inStep ? changes : master.report();
    const missed = this.#failuresMissed;
    const report = { ...rows, failures, failuresMissed: missed, direct: direct.counts };
    const told = this.#knowsWorkers ? report : summedUp(report);
    this.send({ type: 'report', report: told, asked, workers: master.workers });
    this.#failuresMissed = 0;
    // A sum is said whole: of what changed in it one part is known only.
    this.#inStep = this.#wantsChanges && this.#knowsWorkers;
  }

  end(): void {
    this.#socket.end();
  }

  /** In order, and no more is read before this is done. */
  async #take(chunk: Buffer): Promise<void> {
    this.#socket.pause();
    try {
      for (const line of this.#splitter.push(chunk)) await this.#line(line);
      this.#socket.resume();
    } catch (error) {
      this.#refuse(null, 'BAD_REQUEST', error instanceof Error ? error.message : String(error));
    }
  }

  async #line(line: string): Promise<void> {
    const parsed = toGateway.safeParse(parseJson(line));
    if (parsed.success) return this.#act(parsed.data);
    const issue = parsed.error.issues[0];
    this.#refuse(null, 'BAD_REQUEST', issue ? `${issue.path.join('.')}: ${issue.message}` : 'not understood');
  }

  async #act(message: HeardByGateway): Promise<void> {
    const { master, direct, onStop, onAsked } = this.#options;
    if (message.type === 'hello') return this.#welcome(message);
    const fence = this.#fence;
    if (fence === undefined) return this.#refuse(null, 'BAD_REQUEST', 'hello comes first');
    if (message.type === 'report') return onAsked(message.asked);
    if (message.type === 'routing') return this.#route(message.routing);
    if (message.type === 'launch') return void this.#launch(message, fence);
    if (message.type === 'occupants') return direct.adopt(message.occupants);
    if (!master.admit(fence)) return this.#refuse(null, 'FENCED_OUT', 'a newer control was here');
    if (message.type === 'stop') return onStop(message.graceMs);
    this.send({ type: 'upgraded', failure: await master.upgrade(message.mainFile) });
  }

  #welcome({ protocol, fence, changes, workers }: Extract<HeardByGateway, { type: 'hello' }>): void {
    const { master } = this.#options;
    if (protocol !== GATEWAY_PROTOCOL) {
      const reason = `the gateway speaks protocol ${GATEWAY_PROTOCOL}, control ${protocol}`;
      return this.#refuse(null, 'BAD_REQUEST', reason);
    }
    if (!master.admit(fence)) return this.#refuse(null, 'FENCED_OUT', `fence ${fence} is too old`);
    this.#fence = fence;
    this.#wantsChanges = changes;
    this.#knowsWorkers = workers;
    this.report(master.report(), null);
  }

  async #route(routing: Routing): Promise<void> {
    const { master, direct } = this.#options;
    const { number } = routing;
    const applied = await master.apply(routing);
    if (applied.type === 'refused') return this.#refuse(number, 'FENCED_OUT', applied.reason);
    const failed = [...applied.failed, ...(await direct.apply(routing))];
    // Who hears the acknowledgement has heard what was under way when instances stopped to accept (R2).
    if (direct.counts.length > 0) master.reportNow();
    this.send({ type: 'ack', number, failed });
  }

  /** Beside what else is asked for: a start takes a moment. */
  async #launch(
    { request, order }: Extract<HeardByGateway, { type: 'launch' }>,
    fence: number,
  ): Promise<void> {
    const { master, direct } = this.#options;
    try {
      if (!master.admit(fence)) throw new SegueError('FENCED_OUT', 'A newer control was here.');
      this.send({ type: 'launched', request, ...(await direct.launch(order)) });
    } catch (error) {
      this.send({ type: 'not-launched', request, ...toErrorRecord(error) });
    }
  }

  /** A control that is not understood or not wanted is let go; one with an old routing may have a newer one. */
  #refuse(number: number | null, code: 'FENCED_OUT' | 'BAD_REQUEST', reason: string): void {
    this.send({ type: 'refused', number, code, reason });
    if (number === null) this.end();
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

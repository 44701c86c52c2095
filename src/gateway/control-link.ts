/** The unix socket that control talks to. Several may be connected; the fence says whose word counts (R7). */
import fs from 'node:fs/promises';
import net, { type Socket } from 'node:net';
import { SegueError, toErrorRecord } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { TrafficReport } from '../core/traffic/counts.ts';
import {
  type FromGateway,
  GATEWAY_PROTOCOL,
  type HeardByGateway,
  toGateway,
} from '../wire/gateway-messages.ts';
import { LineSplitter } from '../wire/lines.ts';
import { SEGUE_VERSION } from '../wire/version.ts';
import type { DirectDesk } from './keeper/desk.ts';
import type { DirectExit } from './keeper/keeper.ts';
import type { Gateway } from './gateway.ts';

export interface ControlLinkOptions {
  readonly path: string;
  readonly pid: number;
  readonly log: (line: string) => void;
  readonly onStop: (graceMs: number) => void;
  /** Services whose instances accept by themselves. */
  readonly direct: DirectDesk;
}

export class ControlLink {
  readonly #gateway: Gateway;
  readonly #options: ControlLinkOptions;
  readonly #server: net.Server;
  readonly #peers = new Set<Peer>();

  constructor(gateway: Gateway, options: ControlLinkOptions) {
    this.#gateway = gateway;
    this.#options = options;
    this.#server = net.createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = limits.gateway.controlConnectionsMax;
  }

  /** Throws when another gateway answers on the socket. */
  async listen(): Promise<void> {
    await removeStale(this.#options.path);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#options.path, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  /** `report` says what changed since the one before. */
  report(report: TrafficReport): void {
    for (const peer of this.#peers) {
      if (peer.listening) peer.report(report);
    }
  }

  exited(exit: DirectExit): void {
    for (const peer of this.#peers) if (peer.listening) peer.send({ type: 'exited', ...exit });
  }

  /** Frees the name at once and lets go of those that are connected. */
  close(): void {
    this.#server.close();
    for (const peer of this.#peers) peer.end();
  }

  #accept(socket: Socket): void {
    const { pid, log, onStop, direct } = this.#options;
    const peer = new Peer(socket, this.#gateway, direct, onStop);
    this.#peers.add(peer);
    socket.on('error', (error) => log(`control: ${error.message}`));
    socket.once('close', () => this.#peers.delete(peer));
    const routing = this.#gateway.routing?.number ?? null;
    peer.send({ type: 'hello', protocol: GATEWAY_PROTOCOL, pid, version: SEGUE_VERSION, routing });
  }
}

/** One control. */
class Peer {
  readonly #socket: Socket;
  readonly #gateway: Gateway;
  readonly #direct: DirectDesk;
  readonly #onStop: (graceMs: number) => void;
  readonly #splitter = new LineSplitter(limits.gateway.protocolLineBytesMax);
  #fence: number | undefined;
  #wantsChanges = false;
  /** It has heard everything up to the last report. */
  #inStep = false;
  #failuresMissed = 0;

  constructor(socket: Socket, gateway: Gateway, direct: DirectDesk, onStop: (graceMs: number) => void) {
    this.#socket = socket;
    this.#gateway = gateway;
    this.#direct = direct;
    this.#onStop = onStop;
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
  report({ failures, failuresMissed, ...changes }: TrafficReport): void {
    this.#failuresMissed += failuresMissed;
    if (this.#socket.writableLength > limits.gateway.controlBacklogBytesMax) {
      this.#inStep = false;
      this.#failuresMissed += failures.length;
      return;
    }
    const rows = this.#inStep ? changes : this.#gateway.report();
    const direct = this.#direct.counts;
    this.send({
      type: 'report',
      report: { ...rows, failures, failuresMissed: this.#failuresMissed, direct },
    });
    this.#failuresMissed = 0;
    this.#inStep = this.#wantsChanges;
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
    if (message.type === 'hello') {
      const { protocol, fence, changes } = message;
      if (protocol !== GATEWAY_PROTOCOL) {
        const reason = `the gateway speaks protocol ${GATEWAY_PROTOCOL}, control ${protocol}`;
        this.#refuse(null, 'BAD_REQUEST', reason);
      } else if (!this.#gateway.admit(fence)) this.#refuse(null, 'FENCED_OUT', `fence ${fence} is too old`);
      else {
        this.#fence = fence;
        this.#wantsChanges = changes;
        this.report(this.#gateway.report());
      }
      return;
    }
    if (this.#fence === undefined) return this.#refuse(null, 'BAD_REQUEST', 'hello comes first');
    if (message.type === 'report') return this.#gateway.reportChanges();
    if (message.type === 'routing') {
      const { routing } = message;
      const applied = await this.#gateway.apply(routing);
      if (applied.type === 'refused') this.#refuse(routing.number, 'FENCED_OUT', applied.reason);
      else {
        const failed = [...applied.failed, ...(await this.#direct.apply(routing))];
        // Who hears the acknowledgement has heard what was under way when instances stopped to accept (R2).
        if (this.#direct.counts.length > 0) this.#gateway.reportChanges();
        this.send({ type: 'ack', number: routing.number, failed });
      }
    } else if (message.type === 'launch') void this.#launch(message, this.#fence);
    else if (message.type === 'occupants') await this.#direct.adopt(message.occupants);
    else if (this.#gateway.admit(this.#fence)) this.#onStop(message.graceMs);
    else this.#refuse(null, 'FENCED_OUT', 'a newer control was here');
  }

  /** Beside what else is asked for: a start takes a moment. */
  async #launch(
    { request, order }: Extract<HeardByGateway, { type: 'launch' }>,
    fence: number,
  ): Promise<void> {
    try {
      if (!this.#gateway.admit(fence)) throw new SegueError('FENCED_OUT', 'A newer control was here.');
      this.send({ type: 'launched', request, ...(await this.#direct.launch(order)) });
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

/** A socket file outlives a gateway that was killed; only one that nobody answers on is removed. */
async function removeStale(path: string): Promise<void> {
  const state = await new Promise<'answers' | 'stale' | 'none'>((resolve) => {
    const probe = net.connect(path);
    probe.once('connect', () => resolve('answers'));
    probe.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code === 'ENOENT' ? 'none' : 'stale'),
    );
    probe.once('close', () => probe.destroy());
    probe.once('connect', () => probe.destroy());
  });
  if (state === 'answers') throw new Error(`another gateway runs on ${path}`);
  if (state === 'stale') await fs.rm(path, { force: true });
}

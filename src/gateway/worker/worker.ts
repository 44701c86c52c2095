/**
 * One worker: a gateway on inherited sockets that does what its master says. It outlives its master: it goes on
 * serving, joins the next one, and if none comes and it is the heir, it starts one.
 */
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { limits } from '../../core/limits.ts';
import type { Routing, ServiceRouting } from '../../core/traffic/routing.ts';
import { RoutingAssembly, type RoutingFrame } from '../../core/traffic/routing-parts.ts';
import type { Stage } from '../../wire/gateway-messages.ts';
import { GATEWAY_PID } from '../../wire/paths.ts';
import { SEGUE_VERSION } from '../../wire/version.ts';
import { type FromWorker, type ToWorker, toWorker, WORKER_PROTOCOL } from '../../wire/worker-messages.ts';
import { timer } from '../clock.ts';
import { Gateway } from '../gateway.ts';
import type { InheritedSockets } from '../listeners.ts';
import { MessageSocket } from '../message-socket.ts';
import { Rescue } from './rescue.ts';

export interface WorkerOptions {
  readonly id: string;
  readonly pid: number;
  readonly inherited: InheritedSockets;
  /** The file with which Node would run a new master. */
  readonly masterFile: string;
  /** Where the master is first, and where whichever master there is can be found. */
  readonly firstPath: string;
  readonly path: string;
  readonly log: (line: string) => void;
  /** It has nothing left to do. */
  readonly onEnd: () => void;
}

type Link = MessageSocket<ToWorker, FromWorker>;

export class Worker {
  readonly #options: WorkerOptions;
  readonly #gateway: Gateway;
  readonly #rescue: Rescue;
  #link: Link | null = null;
  #stage: Stage = 'serving';
  /** The master has heard everything up to the last report. */
  #inStep = false;
  #ending = false;
  #hadMaster = false;
  #routing: Promise<void> = Promise.resolve();
  /** The last one of this master's, and the one that is on its way. */
  #received: Routing | null = null;
  #coming: RoutingAssembly | null = null;

  constructor(options: WorkerOptions) {
    const { id, pid, inherited, masterFile, log } = options;
    this.#options = options;
    this.#gateway = new Gateway({ log, inherited, onDue: (urgent) => this.#report(urgent, null) });
    this.#rescue = new Rescue({
      ...{ self: { id, pid }, masterFile, log },
      sockets: () => this.#gateway.sockets,
      routing: () => this.#gateway.routing,
      onReady: () => this.#giveWay(),
    });
  }

  start(): void {
    this.#connect(this.#options.firstPath);
  }

  /** No new connections, those that are open within the grace. */
  async stop(graceMs: number): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    this.#rescue.masterIsBack();
    await this.#gateway.stop(graceMs);
    this.#leave();
  }

  #connect(at: string): void {
    const socket = net.connect(at);
    socket.once('connect', () => {
      socket.off('error', onError);
      this.#joined(
        new MessageSocket<ToWorker, FromWorker>(socket, toWorker, {
          onMessage: (message) => void this.#act(message),
          onClosed: () => this.#masterLost(),
          charsPerTurn: limits.gateway.messageCharsPerTurn,
        }),
      );
    });
    const onError = () => this.#later();
    socket.once('error', onError);
  }

  #joined(link: Link): void {
    const { id, pid } = this.#options;
    void this.#inTurn(() => (this.#received = null));
    this.#link = link;
    this.#hadMaster = true;
    this.#rescue.masterIsBack();
    const sockets = [...this.#gateway.sockets.keys()];
    const routing = this.#gateway.routing?.number ?? null;
    const about = { id, pid, version: SEGUE_VERSION, stage: this.#stage, sockets, routing };
    link.send({ type: 'join', protocol: WORKER_PROTOCOL, ...about });
    this.#inStep = false;
    this.#report(false, null);
  }

  #masterLost(): void {
    this.#link = null;
    if (this.#ending) return;
    this.#rescue.masterIsLost();
    this.#later();
  }

  #later(): void {
    if (this.#ending) return;
    timer(() => this.#connect(this.#options.path), limits.gateway.rejoinPauseMs);
    if (this.#wasStopped) void this.stop(limits.gateway.stopGraceMs);
  }

  /**
   * The project is gone, or its master was stopped while this worker was between two connections: nobody is left who
   * could say so. One that was killed leaves its number behind.
   */
  get #wasStopped(): boolean {
    const { path: socket } = this.#options;
    return !fs.existsSync(path.dirname(socket)) || (this.#hadMaster && !fs.existsSync(GATEWAY_PID));
  }

  async #act(message: ToWorker): Promise<void> {
    switch (message.type) {
      case 'routing-begins':
        return this.#inTurn(() => this.#begin(message.frame));
      case 'services':
        return this.#inTurn(() => this.#prepare(message.services));
      case 'routing-ends':
        return this.#inTurn(() => this.#route(message.keep));
      case 'report':
        return this.#report(true, message.asked);
      case 'release':
        return this.#end('released');
      case 'retire':
        return this.#end('retiring');
      case 'stop':
        return this.stop(message.graceMs);
      case 'heir':
        this.#rescue.will = message;
        return;
      case 'rescue':
        this.#rescue.order();
    }
  }

  /** What comes after a routing waits until that is in force. */
  #inTurn(work: () => unknown): Promise<void> {
    const done = this.#routing.then(async () => {
      await work();
    });
    this.#routing = done.catch((error: unknown) => {
      this.#options.log(`routing: ${error instanceof Error ? error.message : String(error)}`);
      // Whoever joins anew is told everything.
      this.#link?.cut();
    });
    return this.#routing;
  }

  #begin(frame: RoutingFrame): void {
    this.#coming = RoutingAssembly.begin(frame, this.#received);
    if (!this.#coming) throw new Error(`${frame.number} builds on ${frame.base}, which is not here`);
    this.#gateway.expect(frame.settings);
  }

  #prepare(services: readonly ServiceRouting[]): void {
    this.#coming?.add(services);
    this.#gateway.prepare(services);
  }

  async #route(keep: boolean): Promise<void> {
    const routing = this.#coming?.routing() ?? null;
    if (!routing) throw new Error('a part is missing');
    this.#received = routing;
    const failed = await this.#gateway.apply(routing, keep);
    this.#link?.send({ type: 'ack', number: routing.number, failed: [...failed] });
  }

  async #end(stage: 'released' | 'retiring'): Promise<void> {
    const first = this.#stage === 'serving';
    this.#stage = stage;
    if (stage === 'released') this.#gateway.release();
    else this.#gateway.retire();
    if (!first) return;
    await this.#gateway.gone();
    await this.stop(0);
  }

  /** Its last counts go first. */
  #leave(): void {
    const { onEnd } = this.#options;
    const link = this.#link;
    if (!link) return onEnd();
    this.#report(true, null);
    link.end(onEnd);
  }

  /** The master that this worker started is ready: the one that may be there meanwhile steps aside. */
  #giveWay(): void {
    this.#link?.send({ type: 'rescued' });
  }

  /** Left out for a master that does not read: the next one says it all again. */
  #report(urgent: boolean, asked: number | null): void {
    const link = this.#link;
    if (!link) return;
    if (link.backlogBytes > limits.gateway.controlBacklogBytesMax) {
      this.#inStep = false;
      return;
    }
    const changes = this.#gateway.changes();
    const { failures, failuresMissed } = changes;
    const report = this.#inStep ? changes : { ...this.#gateway.report(), failures, failuresMissed };
    link.send({ type: 'report', report, urgent, asked });
    this.#inStep = true;
  }
}

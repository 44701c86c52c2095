/** The unix socket that control talks to. Several may be connected; the fence says whose word counts (R7). */
import type { Socket } from 'node:net';
import { limits } from '../../core/limits.ts';
import type { TrafficReport } from '../../core/traffic/counts.ts';
import { GATEWAY_PROTOCOL } from '../../wire/gateway-messages.ts';
import { SEGUE_VERSION } from '../../wire/version.ts';
import type { DirectDesk } from '../keeper/desk.ts';
import type { DirectExit } from '../keeper/keeper.ts';
import { ControlPeer } from './control-peer.ts';
import type { Master } from './master.ts';
import { PublishedSocket } from './published-socket.ts';

export interface ControlLinkOptions {
  readonly path: string;
  readonly pid: number;
  readonly log: (line: string) => void;
  readonly onStop: (graceMs: number) => void;
  /** Services whose instances accept by themselves. */
  readonly direct: DirectDesk;
}

export class ControlLink {
  readonly #master: Master;
  readonly #options: ControlLinkOptions;
  readonly #socket: PublishedSocket;
  readonly #peers = new Set<ControlPeer>();

  constructor(master: Master, options: ControlLinkOptions) {
    this.#master = master;
    this.#options = options;
    this.#socket = new PublishedSocket(options.path, options.pid, (socket) => this.#accept(socket));
    this.#socket.connectionsMax = limits.gateway.controlConnectionsMax;
  }

  listen(): Promise<void> {
    return this.#socket.listen();
  }

  /** From now on it is this master that control finds. */
  publish(): void {
    this.#socket.publish();
  }

  /** False as soon as another master has the name. */
  get ours(): boolean {
    return this.#socket.ours;
  }

  /** `report` says what changed since the one before. */
  report(report: TrafficReport): void {
    this.#tell(report, null, 0);
  }

  exited(exit: DirectExit): void {
    for (const peer of this.#peers) if (peer.listening) peer.send({ type: 'exited', ...exit });
  }

  /** Frees the name at once and lets go of those that are connected. */
  close(): void {
    this.#socket.close();
    for (const peer of this.#peers) peer.end();
  }

  /** `to` asked for it and waits. */
  #tell(report: TrafficReport, to: ControlPeer | null, asked: number): void {
    for (const peer of this.#peers) {
      if (peer.listening) peer.report(report, peer === to ? asked : null);
    }
  }

  #accept(socket: Socket): void {
    const { pid, log, onStop, direct } = this.#options;
    const peer = new ControlPeer(socket, {
      ...{ master: this.#master, direct, onStop },
      onAsked: async (asked) => this.#tell(await this.#master.freshChanges(), peer, asked),
    });
    this.#peers.add(peer);
    socket.on('error', (error) => log(`control: ${error.message}`));
    socket.once('close', () => this.#peers.delete(peer));
    const routing = this.#master.routing?.number ?? null;
    peer.send({ type: 'hello', protocol: GATEWAY_PROTOCOL, pid, version: SEGUE_VERSION, routing });
  }
}

/**
 * One worker as its master sees it: started and not here yet, announced by an earlier master, or connected. It is
 * found by its connection, never by its pid alone: that is what is known to be alive.
 */
import type { Socket } from 'node:net';
import { limits } from '../../core/limits.ts';
import { listenKey } from '../../core/listen.ts';
import { addressesOf } from '../../core/traffic/addresses.ts';
import type { Routing } from '../../core/traffic/routing.ts';
import { RoutingParts } from '../../core/traffic/routing-parts.ts';
import { type FromWorker, fromWorker, type Join, type ToWorker } from '../../wire/worker-messages.ts';
import type { FailedListen } from '../listeners.ts';
import type { Stage } from '../../wire/gateway-messages.ts';
import { MessageSocket } from '../message-socket.ts';

export type WorkerSaid = Exclude<FromWorker, Join>;

export class Member {
  readonly id: string;
  readonly pid: number;
  /** Of sockets: workers of one generation have the same. */
  generation: number;
  stage: Stage;
  /** What it listens on, or could. */
  sockets: ReadonlySet<string>;
  /** The number of the last routing, once it acknowledged it. */
  routing = 0;
  /** It has told its counts. */
  reported = false;
  /** The number of the last report that it was asked for and gave. */
  answered = 0;
  failed: readonly FailedListen[] = [];
  #link: MessageSocket<FromWorker, ToWorker> | null = null;
  /** What was sent over this connection. */
  #parts = new RoutingParts();
  #silentTicks = 0;
  #heirSaid = '';
  #stopped = false;

  constructor({ id, pid }: { id: string; pid: number }, generation: number, stage: Stage) {
    this.id = id;
    this.pid = pid;
    this.generation = generation;
    this.stage = stage;
    this.sockets = new Set();
  }

  get joined(): boolean {
    return this.#link !== null;
  }

  /** On all of these addresses, as far as they could be had. */
  accepts(keys: readonly string[]): boolean {
    return this.stage === 'serving' && keys.every((key) => this.sockets.has(key));
  }

  join(link: MessageSocket<FromWorker, ToWorker>, { stage, sockets }: Join): void {
    this.#link = link;
    this.#parts = new RoutingParts();
    this.stage = stage;
    this.sockets = new Set(sockets);
  }

  heard(): void {
    this.#silentTicks = 0;
  }

  /** True when it has said nothing for so long that it must hang. Called about once a second. */
  tick(): boolean {
    if (!this.joined) return false;
    this.#silentTicks += 1;
    return this.#silentTicks > limits.gateway.workerSilentTicksMax;
  }

  route(routing: Routing, keep: boolean): void {
    this.routing = 0;
    const { frame, parts } = this.#parts.next(routing);
    this.send({ type: 'routing-begins', frame });
    for (const services of parts) this.send({ type: 'services', services: [...services] });
    this.send({ type: 'routing-ends', keep });
    if (keep) return;
    // What it stopped listening on is closed for good: its descriptor is gone.
    const wanted = new Set(addressesOf(routing.services, routing.settings).map(listenKey));
    this.sockets = new Set([...this.sockets].filter((key) => wanted.has(key)));
  }

  release(): void {
    if (this.stage !== 'serving') return;
    this.stage = 'released';
    this.send({ type: 'release' });
  }

  retire(): void {
    if (this.stage === 'retiring') return;
    this.stage = 'retiring';
    this.send({ type: 'retire' });
  }

  /** Said again only when it changed. */
  nameHeir(heir: Extract<ToWorker, { type: 'heir' }>): void {
    const said = JSON.stringify(heir);
    if (said === this.#heirSaid || !this.joined) return;
    this.#heirSaid = said;
    this.send(heir);
  }

  send(message: ToWorker): void {
    this.#link?.send(message);
  }

  /** Once is enough, and cannot be taken back. */
  stop(graceMs: number): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.stage = 'retiring';
    this.send({ type: 'stop', graceMs });
  }

  /** Only while it is connected is its pid surely its own. */
  kill(): void {
    if (!this.#link || this.#link.closed) return;
    try {
      process.kill(this.pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
    this.#link.cut();
  }
}

export type MemberLink = MessageSocket<FromWorker, ToWorker>;

/** The messages of one connection; the first has to be `join`. */
export function acceptWorker(
  socket: Socket,
  events: {
    readonly onJoin: (join: Join, link: MemberLink) => Member | null;
    readonly onMessage: (member: Member, message: WorkerSaid) => void;
    readonly onClosed: (member: Member, why: string) => void;
  },
): void {
  let member: Member | null = null;
  const link: MemberLink = new MessageSocket(socket, fromWorker, {
    onMessage: (message) => {
      if (message.type === 'join') {
        if (member) return link.cut();
        member = events.onJoin(message, link);
        if (!member) link.cut();
      } else if (member) {
        member.heard();
        events.onMessage(member, message);
      } else link.cut();
    },
    onClosed: (why) => {
      if (member) events.onClosed(member, why);
    },
  });
}

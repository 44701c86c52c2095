/**
 * The connections of the users, and how they leave without a lost request (T3): idle ones are kept and get one
 * more answer, with `Connection: close`; those that stay silent are closed after a grace. While nobody leaves,
 * a request costs one look-up and one store: what is under way is counted when somebody asks.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface Running {
  /** Requests under way; while the guests leave, every connection that could still bring one. */
  readonly requests: number;
  /** WebSockets and other upgrades. */
  readonly streams: number;
}

interface Guest {
  /** The newest answer on the connection: answers leave in order, so all are done when it is. */
  response: ServerResponse | null;
  isStream: boolean;
  bytesRead: number;
  quietLooks: number;
}

const LOOK_INTERVAL_MS = 20;
/** With a listener for one of these, Node leaves the request or the connection to it. */
const OTHER_WAYS_IN = ['checkContinue', 'checkExpectation'] as const;
const WAYS_OUT = ['upgrade', 'connect'] as const;

export class Guests {
  readonly #server: Server;
  readonly #idleGraceMs: number;
  readonly #guests = new Map<Duplex, Guest>();
  readonly #watched = new Set<string | symbol>();
  readonly #onLook: () => void;
  #leaving: NodeJS.Timeout | null = null;

  /** `onLook` is called again and again while the guests leave. */
  constructor(server: Server, idleGraceMs: number, onLook: () => void) {
    this.#server = server;
    this.#idleGraceMs = idleGraceMs;
    this.#onLook = onLook;
    server.prependListener('request', this.#onRequest);
    for (const name of [...OTHER_WAYS_IN, ...WAYS_OUT]) if (server.listenerCount(name) > 0) this.#watch(name);
    server.on('newListener', (name: string | symbol) => this.#watch(name));
  }

  readonly #onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const guest = this.#guests.get(request.socket);
    if (guest === undefined) return;
    const before = guest.response;
    guest.response = response;
    if (this.#leaving !== null) announceClose(response, before);
  };

  readonly #onUpgrade = (_request: IncomingMessage, socket: Duplex): void => {
    const guest = this.#guests.get(socket);
    if (guest !== undefined) guest.isStream = true;
  };

  /** Ours comes first, but never alone: with no listener of the program's, Node handles these events itself. */
  #watch(name: string | symbol): void {
    const isWayIn = OTHER_WAYS_IN.some((each) => each === name);
    if (this.#watched.has(name) || (!isWayIn && !WAYS_OUT.some((each) => each === name))) return;
    this.#watched.add(name);
    this.#server.prependListener(String(name), isWayIn ? this.#onRequest : this.#onUpgrade);
  }

  add(socket: Socket): void {
    this.#guests.set(socket, { response: null, isStream: false, bytesRead: 0, quietLooks: 0 });
    socket.once('close', () => this.#guests.delete(socket));
  }

  get running(): Running {
    let requests = 0;
    let streams = 0;
    for (const guest of this.#guests.values()) {
      if (guest.isStream) streams += 1;
      else if (this.#leaving !== null || isBusy(guest)) requests += 1;
    }
    return { requests, streams };
  }

  get isEmpty(): boolean {
    return this.#guests.size === 0;
  }

  leave(): void {
    if (this.#leaving !== null) return;
    for (const guest of this.#guests.values()) {
      guest.quietLooks = 0;
      if (guest.response !== null && isBusy(guest)) announceClose(guest.response, null);
    }
    this.#leaving = setInterval(() => {
      // After the poll for input: what has arrived by now has been seen.
      setImmediate(() => this.#closeQuiet());
      this.#onLook();
    }, LOOK_INTERVAL_MS);
  }

  /** Nobody has to leave any more; those who were told to do so are not held. */
  stay(): void {
    if (this.#leaving !== null) clearInterval(this.#leaving);
    this.#leaving = null;
  }

  #closeQuiet(): void {
    if (this.#leaving === null) return;
    for (const [socket, guest] of this.#guests) {
      const isQuiet = !guest.isStream && !isBusy(guest) && bytesReadBy(socket) === guest.bytesRead;
      guest.bytesRead = bytesReadBy(socket);
      guest.quietLooks = isQuiet ? guest.quietLooks + 1 : 0;
      const quietMs = guest.quietLooks * LOOK_INTERVAL_MS;
      if (quietMs > 2 * this.#idleGraceMs) socket.destroy();
      else if (quietMs > this.#idleGraceMs) socket.end();
    }
  }
}

function isBusy({ response }: Guest): boolean {
  return response !== null && !response.writableFinished && !response.destroyed;
}

/** The last of several answers on their way says it: what was asked before it would be lost. */
function announceClose(response: ServerResponse, before: ServerResponse | null): void {
  if (before !== null && !before.headersSent && !before.destroyed) before.removeHeader('connection');
  if (!response.headersSent) response.setHeader('connection', 'close');
}

function bytesReadBy(socket: Duplex): number {
  return 'bytesRead' in socket && typeof socket.bytesRead === 'number' ? socket.bytesRead : 0;
}

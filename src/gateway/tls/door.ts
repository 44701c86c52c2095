/**
 * The way from a TCP connection to one with TLS: as many handshakes at once as there are limits for, each within
 * its time. A client that speaks plain HTTP is told so instead of being hung up on.
 */
import type { Socket } from 'node:net';
import tls, { type TLSSocket } from 'node:tls';
import { limits } from '../../core/limits.ts';
import { monotonicMs } from '../clock.ts';
import { replyBytes } from '../replies.ts';
import type { Sweep, Timed } from '../sweep.ts';
import type { Identity } from './certificates.ts';
import { ticketOf } from './client-hello.ts';
import { nameOf } from './ticket-keys.ts';

const HANDSHAKE = 0x16;
const HTTP2 = 'h2';

export interface DoorOptions {
  readonly sweep: Sweep;
  readonly identity: () => Identity;
  readonly onHttp1: (socket: TLSSocket) => void;
  readonly onHttp2: (socket: TLSSocket) => void;
}

export class TlsDoor {
  readonly #options: DoorOptions;
  /** For tickets of each key one; of Node's, a server knows one. */
  readonly #server: tls.Server;
  readonly #others = new Map<string, tls.Server>();
  readonly #callers = new Set<Caller>();
  /** In whatever state: what is under TLS has its connection elsewhere, too. */
  readonly #sockets = new Set<Socket>();
  #shaking = 0;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#server = this.#made();
    this.refresh();
  }

  /** The standard certificate or the ticket keys changed. */
  refresh(): void {
    const { ticketKey, otherTicketKeys } = this.#options.identity();
    this.#equip(this.#server, ticketKey);
    const known = new Map(this.#others);
    this.#others.clear();
    for (const key of otherTicketKeys) {
      const name = nameOf(key).toString('latin1');
      const server = known.get(name) ?? this.#made();
      this.#equip(server, key);
      this.#others.set(name, server);
    }
  }

  #made(): tls.Server {
    const { identity, onHttp1, onHttp2 } = this.#options;
    const server = tls.createServer({
      ...identity().standard,
      ALPNProtocols: [HTTP2, 'http/1.1'],
      handshakeTimeout: limits.gateway.tls.handshakeTimeoutMs,
      SNICallback: (host, done) => done(null, identity().contextFor(host)),
    });
    server.on('secureConnection', (socket) => {
      this.#shaking -= 1;
      if (socket.alpnProtocol === HTTP2) onHttp2(socket);
      else onHttp1(socket);
    });
    server.on('tlsClientError', (_error, socket) => {
      this.#shaking -= 1;
      socket.destroy();
    });
    return server;
  }

  #equip(server: tls.Server, ticketKey: Buffer | null): void {
    const { standard } = this.#options.identity();
    server.setSecureContext(ticketKey ? { ...standard, ticketKeys: ticketKey } : standard);
    if (ticketKey) server.setTicketKeys(ticketKey);
  }

  /** Undefined: what the client says has not come far enough to tell. */
  #serverFor(hello: Buffer): tls.Server | undefined {
    if (this.#others.size === 0) return this.#server;
    const ticket = ticketOf(hello);
    if (ticket === undefined) return undefined;
    const name = ticket === null ? '' : nameOf(ticket).toString('latin1');
    return this.#others.get(name) ?? this.#server;
  }

  /** A connection that was accepted a moment ago. */
  take(socket: Socket): void {
    if (this.#shaking >= limits.gateway.tls.handshakesMax) {
      socket.destroy();
      return;
    }
    const { sweep } = this.#options;
    const caller = new Caller(socket, (hello) => {
      const server = this.#serverFor(hello);
      if (server === undefined) return false;
      this.#callers.delete(caller);
      sweep.delete(caller);
      this.#shaking += 1;
      socket.unshift(hello);
      // Documented by Node for sockets that are accepted elsewhere.
      server.emit('connection', socket);
      return true;
    });
    this.#callers.add(caller);
    this.#sockets.add(socket);
    sweep.add(caller);
    socket.once('close', () => {
      this.#callers.delete(caller);
      this.#sockets.delete(socket);
      sweep.delete(caller);
    });
  }

  /** Those who have not said anything yet have nothing to lose. */
  endIdle(): void {
    for (const caller of this.#callers) caller.expired();
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Somebody who has not said anything yet. */
class Caller implements Timed {
  deadlineMs = monotonicMs() + limits.gateway.tls.handshakeTimeoutMs;
  readonly #socket: Socket;

  #said: Buffer = Buffer.alloc(0);

  /** `begin`: what it says first is a handshake; false as long as more of it has to come. */
  constructor(socket: Socket, begin: (hello: Buffer) => boolean) {
    this.#socket = socket;
    const read = () => {
      const more: unknown = socket.read();
      if (!Buffer.isBuffer(more)) return;
      this.#said = Buffer.concat([this.#said, more]);
      this.#stop(read);
      if (this.#said[0] !== HANDSHAKE) this.#refuse();
      else if (!begin(this.#said)) this.#listen(read);
    };
    this.#listen(read);
  }

  #listen(read: () => void): void {
    this.#socket.on('readable', read).on('error', hangUp).once('end', hangUp);
  }

  #stop(read: () => void): void {
    this.#socket.off('readable', read).off('error', hangUp).off('end', hangUp);
  }

  expired(): void {
    this.#socket.destroy();
  }

  #refuse(): void {
    this.deadlineMs = monotonicMs() + limits.gateway.lingerMs;
    this.#socket.on('error', hangUp).resume();
    this.#socket.end(replyBytes('plain-http', 'close', true));
  }
}

function hangUp(this: Socket): void {
  this.destroy();
}

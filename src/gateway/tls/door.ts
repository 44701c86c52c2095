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
  readonly #server: tls.Server;
  readonly #callers = new Set<Caller>();
  /** In whatever state: what is under TLS has its connection elsewhere, too. */
  readonly #sockets = new Set<Socket>();
  #shaking = 0;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#server = tls.createServer({
      ...options.identity().standard,
      ALPNProtocols: [HTTP2, 'http/1.1'],
      handshakeTimeout: limits.gateway.tls.handshakeTimeoutMs,
      SNICallback: (host, done) => done(null, options.identity().contextFor(host)),
    });
    this.#server.on('secureConnection', (socket) => {
      this.#shaking -= 1;
      if (socket.alpnProtocol === HTTP2) options.onHttp2(socket);
      else options.onHttp1(socket);
    });
    this.#server.on('tlsClientError', (_error, socket) => {
      this.#shaking -= 1;
      socket.destroy();
    });
    this.refresh();
  }

  /** The standard certificate or the ticket key changed. */
  refresh(): void {
    const { standard, ticketKeys } = this.#options.identity();
    this.#server.setSecureContext(standard);
    if (ticketKeys) this.#server.setTicketKeys(ticketKeys);
  }

  /** A connection that was accepted a moment ago. */
  take(socket: Socket): void {
    if (this.#shaking >= limits.gateway.tls.handshakesMax) {
      socket.destroy();
      return;
    }
    const { sweep } = this.#options;
    const caller = new Caller(socket, () => {
      this.#callers.delete(caller);
      sweep.delete(caller);
      this.#shaking += 1;
      // Documented by Node for sockets that are accepted elsewhere.
      this.#server.emit('connection', socket);
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

  /** `begin`: what it says first is a handshake. */
  constructor(socket: Socket, begin: () => void) {
    this.#socket = socket;
    socket.on('readable', () => {
      const first: unknown = socket.read(1);
      if (!Buffer.isBuffer(first)) return;
      this.#listened();
      socket.unshift(first);
      if (first[0] === HANDSHAKE) begin();
      else this.#refuse();
    });
    socket.on('error', hangUp).once('end', hangUp);
  }

  expired(): void {
    this.#socket.destroy();
  }

  #listened(): void {
    this.#socket.removeAllListeners('readable').off('error', hangUp).off('end', hangUp);
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

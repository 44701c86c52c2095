/** One address that clients connect to. Lives as long as any service uses it; its routes change underneath (T4). */
import net from 'node:net';
import type { ClientSocket } from './client-socket.ts';
import { isEveryAddress } from '../core/listen.ts';
import type { Listen } from '../core/project.ts';
import type { RouteTable } from '../core/traffic/match.ts';
import { limits } from '../core/limits.ts';
import type { AccessLog } from './access-log/access-log.ts';
import type { Call } from './call.ts';
import { clientsFor, descriptorsMax } from './descriptors.ts';
import { ClientConnection, type ClientOwner } from './client-connection.ts';
import { monotonicMs, timer } from './clock.ts';
import type { GatewayTally } from './gateway-tally.ts';
import { answer } from './replies.ts';
import { Peer } from './http1/peer.ts';
import { ClientSession, type SessionOwner } from './http2/client-session.ts';
import type { Redirect } from './redirect.ts';
import { serve } from './serve.ts';
import type { Service } from './service.ts';
import type { Sweep } from './sweep.ts';
import type { Certificates } from './tls/certificates.ts';
import { TlsDoor } from './tls/door.ts';

export type ListenFailure = 'PORT_IN_USE' | 'LISTEN_REFUSED';

/** A socket that is bound already and was inherited, or an address to bind. */
export type ListenPlace = { readonly fd: number } | Listen;

export interface Surroundings {
  readonly sweep: Sweep;
  readonly tally: GatewayTally;
  readonly certificates: Certificates;
  /** The access log, while there is one. */
  accessLog: AccessLog | null;
  readonly log: (line: string) => void;
}

/** For all listeners of the process together. */
const connectionsMax = clientsFor(descriptorsMax());

export class Listener implements ClientOwner, SessionOwner {
  readonly #server: net.Server;
  readonly #surroundings: Surroundings;
  readonly #connections = new Set<ClientConnection>();
  readonly #sessions = new Set<ClientSession>();
  #door: TlsDoor | null = null;
  #redirect: Redirect | null = null;
  #routes: RouteTable<Service>;
  #retiring = false;
  #closing = false;
  #gone: Promise<void> | undefined;

  constructor(routes: RouteTable<Service>, surroundings: Surroundings) {
    this.#routes = routes;
    this.#surroundings = surroundings;
    this.#server = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      if (this.#door === null)
        this.#connected(socket, new Peer(socket.remoteAddress, false, socket.localPort));
      else this.#door.take(socket);
    });
    this.#server.maxConnections = connectionsMax + limits.gateway.connectionsOverMax;
  }

  set routes(routes: RouteTable<Service>) {
    this.#routes = routes;
  }

  get sweep(): Sweep {
    return this.#surroundings.sweep;
  }

  /** Certificates or ticket keys changed. */
  refresh(): void {
    this.#door?.refresh();
  }

  /** For what comes without TLS. Null: this is not the address for it. */
  set redirect(redirect: Redirect | null) {
    this.#redirect = redirect;
  }

  /** For connections from now on. */
  set secure(secure: boolean) {
    if (secure === (this.#door !== null)) return;
    const { sweep, certificates } = this.#surroundings;
    this.#door = secure
      ? new TlsDoor({
          sweep,
          identity: () => certificates.identity,
          onHttp1: (socket) =>
            this.#connected(socket, new Peer(socket.remoteAddress, true, socket.localPort)),
          onHttp2: (socket) =>
            this.#startSession(socket, new Peer(socket.remoteAddress, true, socket.localPort)),
        })
      : null;
  }

  get tally(): GatewayTally {
    return this.#surroundings.tally;
  }

  get retiring(): boolean {
    return this.#retiring;
  }

  get closing(): boolean {
    return this.#closing;
  }

  /** Resolves to null when it listens, else to why not. */
  open(place: ListenPlace): Promise<{ code: ListenFailure; detail: string } | null> {
    return new Promise((resolve) => {
      const onError = (error: NodeJS.ErrnoException) => {
        const code = error.code === 'EADDRINUSE' ? 'PORT_IN_USE' : 'LISTEN_REFUSED';
        resolve({ code, detail: error.message });
      };
      this.#server.once('error', onError);
      this.#server.listen(optionsOf(place), limits.gateway.acceptQueueMax, () => {
        this.#server.off('error', onError);
        const address = JSON.stringify(this.#server.address());
        this.#server.on('error', (error) => this.#surroundings.log(`listener ${address}: ${error.message}`));
        resolve(null);
      });
    });
  }

  /** No new connections; those that are open go on and are told nothing. Resolves when all are gone. */
  release(): Promise<void> {
    this.#gone ??= new Promise((resolve) => this.#server.close(() => resolve()));
    return this.#gone;
  }

  /**
   * The same, and each connection ends after its next response, which says so: one that is idle may have its
   * next request on the way already, so none is closed without an answer.
   */
  retire(): Promise<void> {
    this.#retiring = true;
    this.#endSessions();
    return this.release();
  }

  /** The same at once for what is idle; what is open ends with its next response. */
  close(): Promise<void> {
    this.#closing = true;
    for (const connection of this.#connections) connection.endIfIdle();
    for (const session of this.#sessions) session.endIfIdle();
    this.#door?.endIdle();
    return this.retire();
  }

  /** Ends what is left, now. */
  cut(): void {
    for (const connection of this.#connections) connection.break();
    for (const session of this.#sessions) session.break();
    this.#door?.cut();
  }

  dispatch(call: Call): void {
    call.log = this.#surroundings.accessLog;
    const redirect = this.#redirect;
    if (redirect !== null && redirect.answersChallenge(call)) return;
    const service = this.#routes.find(call.host, this.#routes.looksAtPaths ? call.routePath : '/');
    if (service) return serve(service, call);
    if (redirect !== null && redirect.leads(call)) return;
    this.tally.unroutedOne();
    answer(call, this.#closing ? 'stopping' : 'no-route');
  }

  /**
   * Of those that are idle, that which would have had to go first goes now; never one that has just come or was
   * just answered, whose request may be here any moment. False: there is none.
   */
  #makeRoom(): boolean {
    const beforeMs = monotonicMs() - limits.gateway.idleGraceMs;
    let first: ClientConnection | undefined;
    for (const each of this.#connections) {
      if (each.idleSinceMs < beforeMs && each.deadlineMs < (first?.deadlineMs ?? Infinity)) first = each;
    }
    first?.giveWay();
    return first !== undefined;
  }

  http2(connection: ClientConnection, socket: ClientSocket): void {
    this.closed(connection);
    this.#startSession(socket, connection.peer);
  }

  sessionClosed(session: ClientSession): void {
    this.#sessions.delete(session);
    this.#surroundings.sweep.delete(session);
    this.#surroundings.tally.disconnected();
  }

  #connected(socket: ClientSocket, peer: Peer): void {
    const connection = new ClientConnection(socket, this, peer);
    this.#connections.add(connection);
    this.#surroundings.sweep.add(connection);
    this.#surroundings.tally.connected();
    if (this.tally.connections > connectionsMax && !this.#makeRoom()) connection.turnAway();
  }

  #startSession(socket: ClientSocket, peer: Peer): void {
    const session = new ClientSession(socket, peer, this);
    this.#sessions.add(session);
    this.#surroundings.sweep.add(session);
    this.#surroundings.tally.connected();
    if (this.tally.connections > connectionsMax && !this.#makeRoom()) session.endIfIdle();
  }

  /** Spread a little, so that their clients do not come back at once (T3). */
  #endSessions(): void {
    const sessions = [...this.#sessions];
    const stepMs = limits.gateway.drainSpreadMs / Math.max(1, sessions.length);
    for (const [at, session] of sessions.entries()) timer(() => session.endIfIdle(), at * stepMs);
  }

  closed(connection: ClientConnection): void {
    if (!this.#connections.has(connection)) return;
    this.#connections.delete(connection);
    this.#surroundings.sweep.delete(connection);
    this.#surroundings.tally.disconnected();
  }
}

function optionsOf(place: ListenPlace): net.ListenOptions | { readonly fd: number } {
  if ('fd' in place) return { fd: place.fd };
  const { host, port } = place;
  // Without a host Node takes every interface, whether or not the machine has IPv6.
  return { port, ...(isEveryAddress(host) ? {} : { host }) };
}

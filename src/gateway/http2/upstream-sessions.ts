/**
 * The connections to one instance that speaks HTTP/2. As with HTTP/1.1 the gateway closes idle ones first, and what
 * must not be replayed only takes one that was used a moment ago (T2).
 */
import type { Sweep } from '../sweep.ts';
import type { Pool, Upstream, UpstreamUser } from '../upstream.ts';
import type { Exchange } from './exchange.ts';
import { type SessionPool, UpstreamSession } from './upstream-session.ts';

export class UpstreamSessions implements Pool, SessionPool {
  readonly #address: { readonly host: string; readonly port: number };
  readonly #sweep: Sweep;
  /** Those that take streams. */
  readonly #sessions = new Set<UpstreamSession>();
  #keeping = true;
  /** Its connections carry many requests each: a bound on them would mean nothing. */
  readonly inUse = 0;
  whenFreed: (() => void) | null = null;

  constructor(address: { host: string; port: number }, sweep: Sweep) {
    this.#address = { host: address.host, port: address.port };
    this.#sweep = sweep;
  }

  get keeping(): boolean {
    return this.#keeping;
  }

  set keeping(keeping: boolean) {
    this.#keeping = keeping;
    if (!keeping) for (const session of this.#sessions) session.close();
  }

  take(idleMsMax: number): Upstream | undefined {
    for (const session of this.#sessions) {
      if (session.ready && session.hasRoom && session.idleMs <= idleMsMax)
        return this.#add(session.open(null));
    }
    return undefined;
  }

  connect(user: UpstreamUser): Upstream {
    // One that is on its way is for all that come meanwhile.
    for (const session of this.#sessions) {
      if (!session.ready && session.hasRoom) return this.#add(session.open(user));
    }
    this.closeIdle();
    const session = new UpstreamSession(this, this.#address);
    this.#sessions.add(session);
    this.#sweep.add(session);
    return this.#add(session.open(user));
  }

  closeIdle(): void {
    for (const session of this.#sessions) if (session.ready && session.isIdle) session.close();
  }

  exchangeEnded(exchange: Exchange): void {
    this.#sweep.delete(exchange);
    this.whenFreed?.();
  }

  sessionEnding(session: UpstreamSession): void {
    this.#sessions.delete(session);
  }

  sessionClosed(session: UpstreamSession): void {
    this.#sweep.delete(session);
  }

  #add(exchange: Exchange): Exchange {
    this.#sweep.add(exchange);
    return exchange;
  }
}

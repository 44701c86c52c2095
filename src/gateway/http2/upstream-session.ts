/** One connection to an instance that speaks HTTP/2 without TLS, with many streams. */
import http2, { type ClientHttp2Session } from 'node:http2';
import { limits } from '../../core/limits.ts';
import { monotonicMs } from '../clock.ts';
import type { Timed } from '../sweep.ts';
import type { UpstreamUser } from '../upstream.ts';
import { Exchange, type ExchangeOwner } from './exchange.ts';

const { http2: bounds } = limits.gateway;

const OPTIONS = {
  settings: { enablePush: false, initialWindowSize: bounds.streamWindowBytes },
  maxSessionMemory: bounds.sessionMemoryMb,
  maxHeaderListPairs: limits.gateway.headFieldsMax + 4,
  // What a client says twice is its business, as it is in HTTP/1.1.
  strictSingleValueFields: false,
};

export interface SessionPool {
  exchangeEnded(exchange: Exchange): void;
  /** It takes no more streams. */
  sessionEnding(session: UpstreamSession): void;
  sessionClosed(session: UpstreamSession): void;
}

export class UpstreamSession implements Timed, ExchangeOwner {
  deadlineMs = monotonicMs() + limits.gateway.upstreamConnectTimeoutMs;
  readonly #pool: SessionPool;
  readonly #session: ClientHttp2Session;
  readonly #open = new Set<Exchange>();
  /** Until it is connected. */
  #waiting: Exchange[] | null = [];
  #idleSinceMs = Infinity;

  constructor(pool: SessionPool, { host, port }: { host: string; port: number }) {
    this.#pool = pool;
    const name = host.includes(':') ? `[${host}]` : host;
    const session = http2.connect(`http://${name}:${port}`, OPTIONS);
    this.#session = session;
    session.once('connect', () => this.#connected());
    session.on('goaway', () => this.close());
    // The close that follows says all there is to say.
    session.on('error', () => undefined);
    session.once('close', () => this.#closed());
  }

  get ready(): boolean {
    return this.#waiting === null && !this.#session.closed && !this.#session.destroyed;
  }

  get hasRoom(): boolean {
    const allowed = this.#session.remoteSettings.maxConcurrentStreams ?? bounds.streamsPerSessionMax;
    return this.#open.size < Math.min(allowed, bounds.streamsPerSessionMax);
  }

  get idleMs(): number {
    return this.#open.size > 0 ? 0 : monotonicMs() - this.#idleSinceMs;
  }

  get isIdle(): boolean {
    return this.#open.size === 0;
  }

  /** `user` null: set by whoever takes it. */
  open(user: UpstreamUser | null): Exchange {
    const exchange = new Exchange(this, user);
    this.#open.add(exchange);
    if (this.#waiting === null) {
      exchange.begin(this.#session);
      this.deadlineMs = Infinity;
    } else {
      this.#waiting.push(exchange);
    }
    return exchange;
  }

  ended(exchange: Exchange): void {
    this.#open.delete(exchange);
    this.#pool.exchangeEnded(exchange);
    if (this.#open.size > 0) return;
    this.#idleSinceMs = monotonicMs();
    this.deadlineMs = this.#idleSinceMs + limits.gateway.upstreamIdleTimeoutMs;
  }

  /** No more streams; those that are open end by themselves. */
  close(): void {
    this.#pool.sessionEnding(this);
    if (!this.#session.destroyed) this.#session.close();
  }

  expired(): void {
    if (this.#waiting !== null || this.#session.closed) this.#session.destroy();
    else this.close();
  }

  #connected(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    this.deadlineMs = Infinity;
    this.#session.setLocalWindowSize(bounds.sessionWindowBytes);
    for (const exchange of waiting) {
      exchange.begin(this.#session);
      exchange.user?.connected();
    }
    if (this.#open.size === 0) this.deadlineMs = monotonicMs() + limits.gateway.upstreamIdleTimeoutMs;
  }

  #closed(): void {
    this.#pool.sessionEnding(this);
    this.#pool.sessionClosed(this);
    const waiting = this.#waiting ?? [];
    this.#waiting = [];
    for (const exchange of waiting) exchange.failed();
  }
}

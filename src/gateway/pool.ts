/**
 * The connections to one instance. An application closes a connection that idled for long without asking, and a
 * request that meets the close is lost; so the gateway always closes first, and what must not be replayed only
 * takes a connection that was used a moment ago (T2).
 */
import { limits } from '../core/limits.ts';
import { monotonicMs } from './clock.ts';
import type { Sweep } from './sweep.ts';
import type { Pool, UpstreamUser } from './upstream.ts';
import { UpstreamConnection } from './upstream-connection.ts';

/** What an instance says about its idle limit is late by the way of its close to us. */
const IDLE_MARGIN_MS = 1_000;

export class UpstreamPool implements Pool {
  readonly #address: { readonly host: string; readonly port: number };
  readonly #sweep: Sweep;
  /** The newest last: it is taken first, so that a pool too large for the load shrinks. */
  readonly #idle: UpstreamConnection[] = [];
  #keeping = true;
  inUse = 0;
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
    if (!keeping) this.closeIdle();
  }

  take(idleMsMax: number): UpstreamConnection | undefined {
    const newest = this.#idle.at(-1);
    if (newest === undefined) return undefined;
    if (idleMsMax !== Infinity && monotonicMs() - newest.idleSinceMs > idleMsMax) return undefined;
    this.#idle.pop();
    this.inUse += 1;
    return newest;
  }

  connect(user: UpstreamUser): UpstreamConnection {
    const connection = new UpstreamConnection(this, this.#address, user);
    this.#sweep.add(connection);
    this.inUse += 1;
    return connection;
  }

  keep(connection: UpstreamConnection, idleLimitS: number | undefined, nowMs: number): void {
    const { upstreamIdlePerInstanceMax, upstreamIdleTimeoutMs } = limits.gateway;
    const idleMs =
      idleLimitS === undefined
        ? upstreamIdleTimeoutMs
        : Math.min(upstreamIdleTimeoutMs, idleLimitS * 1_000 - IDLE_MARGIN_MS);
    connection.user = null;
    this.inUse -= 1;
    if (!this.#keeping || idleMs <= 0 || this.#idle.length >= upstreamIdlePerInstanceMax) {
      connection.destroy();
      return;
    }
    connection.idleSinceMs = nowMs;
    connection.deadlineMs = nowMs + idleMs;
    this.#idle.push(connection);
  }

  /** It is closed. */
  forget(connection: UpstreamConnection): void {
    this.#sweep.delete(connection);
    if (connection.user !== null) {
      this.inUse -= 1;
      this.whenFreed?.();
      return;
    }
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  closeIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }
}

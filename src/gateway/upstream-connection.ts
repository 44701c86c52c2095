/**
 * One connection to an instance. It reads into a buffer of its own, again and again the same one: whoever uses
 * the connection says `false` while somebody still needs what was read, and `resume` afterwards.
 */
import net, { type Socket } from 'node:net';
import { limits } from '../core/limits.ts';
import { Output } from './output.ts';
import type { UpstreamPool } from './pool.ts';
import { readInto } from './reading.ts';
import { HEADROOM_BYTES, TAILROOM_BYTES, type Upstream, type UpstreamUser } from './upstream.ts';

export class UpstreamConnection implements Upstream {
  readonly #pool: UpstreamPool;
  readonly #socket: Socket;
  /** Undefined: it is not connected yet. */
  #output: Output | undefined;
  readonly #buffer = Buffer.allocUnsafeSlow(
    HEADROOM_BYTES + limits.gateway.upstreamReadBytes + TAILROOM_BYTES,
  );
  /** Null: idle in its pool. */
  user: UpstreamUser | null;
  deadlineMs = Infinity;
  /** A close says nothing about what was processed. */
  readonly mayRefuse = false;
  readonly refused = false;
  idleSinceMs = 0;
  #paused = false;
  /** It takes nothing more. What it said before is still to be read, and may be a whole response. */
  #broken = false;

  constructor(pool: UpstreamPool, address: { host: string; port: number }, user: UpstreamUser) {
    this.#pool = pool;
    this.user = user;
    const buffer = this.#buffer.subarray(HEADROOM_BYTES, this.#buffer.length - TAILROOM_BYTES);
    this.#socket = net.connect({
      ...address,
      noDelay: true,
      allowHalfOpen: true,
      onread: { buffer, callback: (size) => this.#read(size) },
    });
    this.#socket.once('connect', () => this.#connected());
    this.#socket.once('end', () => this.#ended());
    // The close that follows says all there is to say.
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.once('close', () => this.#closed());
  }

  /** False: better to wait for `upstreamDrained`. */
  send(bytes: Buffer): boolean {
    if (this.#broken) return true;
    return this.#output?.write(bytes) ?? this.#socket.write(bytes);
  }

  /** Everything sent was taken over by the system. */
  get flushed(): boolean {
    if (this.#broken) return false;
    return this.#output?.flushed ?? this.#socket.writableLength === 0;
  }

  get writable(): boolean {
    return this.#socket.writable && !this.#broken;
  }

  /** After `read` said false. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  keep(idleLimitS: number | undefined, nowMs: number): void {
    this.#pool.keep(this, idleLimitS, nowMs);
  }

  expired(): void {
    if (this.user) this.user.upstreamExpired();
    else this.destroy();
  }

  #connected(): void {
    readInto(this.#socket, (size) => this.#read(size));
    this.#output = new Output(this.#socket, () => this.user?.upstreamDrained());
    this.#output.onBroken = () => (this.#broken = true);
    this.user?.connected();
  }

  #read(size: number): boolean {
    if (this.user) {
      this.#paused = !this.user.read(this.#buffer, HEADROOM_BYTES, HEADROOM_BYTES + size);
      return !this.#paused;
    }
    // Nobody asked: what it says would be taken for the answer to the next request.
    this.destroy();
    return false;
  }

  #ended(): void {
    // After a reset that a write was told of, the end of what can be read says nothing.
    if (this.user && !this.#broken) this.user.upstreamEnded();
    else this.destroy();
  }

  #closed(): void {
    this.#pool.forget(this);
    this.user?.upstreamClosed();
  }
}

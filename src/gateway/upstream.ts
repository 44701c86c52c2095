/** The way to an instance for one request: a connection of HTTP/1.1, or a stream of HTTP/2 that reads like one. */
import type { Timed } from './sweep.ts';

/** Room before what is read, for a head that grew and the size of a chunk, and after it, for the end of a chunk. */
export const HEADROOM_BYTES = 512;
export const TAILROOM_BYTES = 16;

export interface UpstreamUser {
  connected(): void;
  /** False: nothing more is read into this buffer before `resume`. */
  read(bytes: Buffer, from: number, to: number): boolean;
  /** What was sent has left, after `send` said false. */
  upstreamDrained(): void;
  /** The instance sends nothing more. */
  upstreamEnded(): void;
  upstreamClosed(): void;
  upstreamExpired(): void;
}

export interface Upstream extends Timed {
  /** Null: nobody's now. */
  user: UpstreamUser | null;
  deadlineMs: number;
  /** It can be closed with the word that nothing of the request was processed. */
  readonly mayRefuse: boolean;
  /** It was (T2). */
  readonly refused: boolean;
  /** False: better to wait for `upstreamDrained`. */
  send(bytes: Buffer): boolean;
  /** Everything sent was taken over by the system. */
  readonly flushed: boolean;
  readonly writable: boolean;
  /** After `read` said false. */
  resume(): void;
  end(): void;
  destroy(): void;
  /** Its request has ended and it is as good as new. `idleLimitS`: what the instance says, if it does. */
  keep(idleLimitS: number | undefined, nowMs: number): void;
}

export interface Pool {
  /** Of a request or a tunnel, those that are being opened included. */
  readonly inUse: number;
  /** Called when one is in use no more. */
  whenFreed: (() => void) | null;
  /** Out of rotation, connections are closed as soon as their request has ended. */
  keeping: boolean;
  /** A kept connection that has idled at most this long. */
  take(idleMsMax: number): Upstream | undefined;
  connect(user: UpstreamUser): Upstream;
  closeIdle(): void;
}

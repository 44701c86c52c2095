/**
 * What is written to a socket, without the detour through its stream's queue: what the system takes at once needs
 * no queue, and that is nearly everything. What it does not take at once waits with the handle, in order; while
 * anything waits, whatever follows goes the stream's way, behind it. Nothing overtakes anything: the handle is
 * written to directly only when the stream has nothing of its own under way.
 */
import type { Duplex } from 'node:stream';
import { type TcpHandle, type TcpHandles, tcpHandles, type WriteRequest } from './tcp-handle.ts';

/** It is in no use between two writes, as long as they end at once. */
let spare: WriteRequest | undefined;

const EMPTY = Buffer.alloc(0);

export class Output {
  readonly #socket: Duplex;
  readonly #handles: TcpHandles | null;
  readonly #handle: TcpHandle | null;
  readonly #onDrained: () => void;
  /** Nothing that is written arrives any more. */
  onBroken: () => void;
  /** The system has not yet taken all of what was written directly. */
  #waits = false;
  /** Something went the stream's way and may be there still. */
  #queued = false;

  /** Of a socket that is connected. `onDrained`: after `write` said false, all of it was taken. */
  constructor(socket: Duplex, onDrained = () => {}, handles: TcpHandles | null = tcpHandles) {
    this.#socket = socket;
    this.#handles = handles;
    this.#handle = handles?.of(socket) ?? null;
    this.#onDrained = onDrained;
    this.onBroken = () => void socket.destroy();
    socket.on('drain', onDrained);
  }

  /**
   * False: better to wait, if it is not too late for everything. Whoever owns the bytes leaves them alone until
   * `flushed`.
   */
  write(bytes: Buffer): boolean {
    const socket = this.#socket;
    if (!socket.writable) return false;
    const handle = this.#handle;
    const handles = this.#handles;
    if (handle === null || handles === null || !this.flushed) {
      this.#queued = true;
      return socket.write(bytes);
    }
    const request = (spare ??= handles.newRequest());
    if (handle.writeBuffer(request, bytes) !== 0) {
      this.onBroken();
      return false;
    }
    if (!handles.isLastWritePending()) return true;
    spare = undefined;
    this.#waitFor(request, bytes);
    return false;
  }

  /** Everything written was taken over by the system. */
  get flushed(): boolean {
    if (this.#waits) return false;
    if (this.#queued) this.#queued = this.#socket.writableLength > 0;
    return !this.#queued;
  }

  /** Calls `act` when all that was written so far was taken; not when the socket is lost meanwhile. */
  whenFlushed(act: () => void): void {
    if (this.flushed) return act();
    this.#queued = true;
    // Below the high-water mark there is no `drain`.
    this.#socket.write(EMPTY, (error) => {
      if (!error) act();
    });
  }

  #waitFor(request: WriteRequest, bytes: Buffer): void {
    this.#waits = true;
    request.buffer = bytes;
    request.oncomplete = (status) => {
      this.#waits = false;
      request.buffer = null;
      if (status < 0) this.onBroken();
      else if (!this.#socket.writableNeedDrain) this.#onDrained();
    };
  }
}

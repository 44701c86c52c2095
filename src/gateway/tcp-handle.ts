/**
 * What a TCP socket of Node's has below its streams: the handle that reads and writes. Two reads and two writes a
 * request go through here instead of through the streams' bookkeeping, which costs as much as all of this program's
 * own code (docs/adr/0005). None of it is public: whatever is not as expected at the start means that there is no
 * such thing, and everything goes the public way. Nobody but `reading.ts` and `output.ts` knows that there are two.
 */
import type { Duplex } from 'node:stream';
import net from 'node:net';

/** Made for a write that does not end at once; one that did end at once leaves it as it was. */
export interface WriteRequest {
  oncomplete: (status: number) => void;
  /** Kept until the system has taken them. */
  buffer: Buffer | null;
}

export interface TcpHandle {
  reading: boolean;
  /** After each read; a buffer that is returned is read into from then on. */
  onread: (this: TcpHandle, read: unknown) => Buffer | undefined;
  useUserBuffer(buffer: Buffer): void;
  readStop(): number;
  /** An error's number, or 0. */
  writeBuffer(request: WriteRequest, bytes: Buffer): number;
}

export interface TcpHandles {
  /** Null: it is no plain TCP socket, or it is gone. */
  of(socket: Duplex): TcpHandle | null;
  newRequest(): WriteRequest;
  /** How much the read that is being told of has brought; below 0: an error, or the end. */
  readBytes(): number;
  /** The system did not take all of what was written last. */
  isLastWritePending(): boolean;
}

type Constructor = new () => object;
const METHODS = ['useUserBuffer', 'readStop', 'writeBuffer'] as const;

const isConstructor = (value: unknown): value is Constructor => typeof value === 'function';

function isHandle(value: unknown, TCP: Constructor): value is TcpHandle {
  if (!(value instanceof TCP) || !('onread' in value) || typeof value.onread !== 'function') return false;
  return METHODS.every((name) => typeof Reflect.get(value, name) === 'function');
}

function isRequest(value: object): value is WriteRequest {
  return 'oncomplete' in value && 'buffer' in value;
}

/** Null: this Node does not have it. */
export function findTcpHandles(binding: unknown): TcpHandles | null {
  if (typeof binding !== 'function') return null;
  try {
    const stream: unknown = Reflect.apply(binding, process, ['stream_wrap']);
    const tcp: unknown = Reflect.apply(binding, process, ['tcp_wrap']);
    return fromBindings(stream, tcp);
  } catch {
    return null;
  }
}

function fromBindings(stream: unknown, tcp: unknown): TcpHandles | null {
  if (typeof stream !== 'object' || stream === null || typeof tcp !== 'object' || tcp === null) return null;
  const part = (name: string): unknown => Reflect.get(stream, name);
  const [state, sizeAt, pendingAt] = [
    part('streamBaseState'),
    part('kReadBytesOrError'),
    part('kLastWriteWasAsync'),
  ];
  const WriteWrap = part('WriteWrap');
  const TCP: unknown = Reflect.get(tcp, 'TCP');
  if (!(state instanceof Int32Array) || !isConstructor(WriteWrap) || !isConstructor(TCP)) return null;
  if (typeof sizeAt !== 'number' || typeof pendingAt !== 'number') return null;
  return {
    of(socket) {
      const handle: unknown = socket instanceof net.Socket ? Reflect.get(socket, '_handle') : null;
      return isHandle(handle, TCP) ? handle : null;
    },
    newRequest() {
      const request = Object.assign(new WriteWrap(), { oncomplete: () => undefined, buffer: null });
      if (isRequest(request)) return request;
      throw new TypeError('a request to write has no properties');
    },
    readBytes: () => state[sizeAt] ?? 0,
    isLastWritePending: () => state[pendingAt] !== 0,
  };
}

/** Of this process. */
export const tcpHandles: TcpHandles | null = findTcpHandles(Reflect.get(process, 'binding'));

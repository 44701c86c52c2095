/** HTTP/2 on the level of frames (RFC 9113 s. 4.1): clients that no library would be. */
import net, { type Socket } from 'node:net';
import type { TestContext } from 'node:test';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const HEAD_BYTES = 9;

export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const FLAG = { none: 0, ack: 1, endStream: 1, endHeaders: 4 } as const;

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes.writeUInt8(type, 3);
  bytes.writeUInt8(flags, 4);
  bytes.writeUInt32BE(stream, 5);
  payload.copy(bytes, HEAD_BYTES);
  return bytes;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A setting and its value (s. 6.5.1). */
export function setting(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(id);
  bytes.writeUInt32BE(value, 2);
  return bytes;
}

/** HPACK (RFC 7541): a name and a value as they are, not indexed. */
export function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([0]), text(name), text(value)]);
}

/** A length of up to 126 in one byte, a longer one in the bytes after it (s. 5.1). */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1');
  const size: number[] = bytes.length < 127 ? [bytes.length] : [127];
  if (bytes.length >= 127) {
    let left = bytes.length - 127;
    for (; left >= 128; left >>= 7) size.push((left & 127) | 128);
    size.push(left);
  }
  return Buffer.concat([Buffer.from(size), bytes]);
}

export const requestFields = (method = 'GET', path = '/'): Buffer =>
  Buffer.concat([
    literal(':method', method),
    literal(':scheme', 'http'),
    literal(':authority', 'a'),
    literal(':path', path),
  ]);

export class FrameClient {
  readonly socket: Socket;
  /** The reason of a GOAWAY, once it came. */
  goaway: number | undefined;
  ended = false;
  /** How many of each type came. */
  readonly seen = new Map<number, number>();
  #unread = Buffer.alloc(0);

  constructor(t: TestContext, port: number) {
    this.socket = net.connect({ port, host: '127.0.0.1', noDelay: true });
    this.socket.on('data', (bytes: Buffer) => this.#read(bytes));
    const over = () => (this.ended = true);
    this.socket.on('error', over).once('close', over);
    t.after(() => this.socket.destroy());
    this.socket.write(PREFACE, 'latin1');
    this.socket.write(frame(FRAME.settings, FLAG.none, 0));
  }

  send(...frames: readonly Buffer[]): boolean {
    return !this.ended && this.socket.write(Buffer.concat(frames));
  }

  /** The frame again and again, as fast as it is taken, until the connection ends or the test does. */
  flood(next: () => Buffer): void {
    const more = () => {
      while (this.send(next())) continue;
    };
    this.socket.on('drain', () => setImmediate(more));
    more();
  }

  #read(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes]);
    while (this.#unread.length >= HEAD_BYTES) {
      const end = HEAD_BYTES + this.#unread.readUIntBE(0, 3);
      if (this.#unread.length < end) return;
      const type = this.#unread[3] ?? 0;
      this.seen.set(type, (this.seen.get(type) ?? 0) + 1);
      if (type === FRAME.goaway) this.goaway = this.#unread.readUInt32BE(HEAD_BYTES + 4);
      this.#unread = this.#unread.subarray(end);
    }
  }
}

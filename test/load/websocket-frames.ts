/** The client's half of RFC 6455 framing: writes masked frames, reads unmasked ones, no extensions. */
import { randomBytes } from 'node:crypto';
import { RequestFailure } from './failure.ts';
import { LOAD_LIMITS } from './options.ts';

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Frame {
  readonly final: boolean;
  readonly opcode: number;
  readonly payload: Buffer;
}

export function maskedFrame(opcode: number, payload: Buffer): Buffer {
  const size = payload.length;
  const long = size > 125;
  const head = Buffer.alloc(long ? 4 : 2);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (long ? 126 : size);
  if (long) head.writeUInt16BE(size, 2);
  const mask = randomBytes(4);
  const masked = payload.map((byte, index) => byte ^ (mask[index & 3] ?? 0));
  return Buffer.concat([head, mask, masked]);
}

export function closeFrame(code: number): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return maskedFrame(OPCODE.close, payload);
}

/** 1005 stands for a close frame without a code (RFC 6455 s. 7.1.5). */
export function closeCode(payload: Buffer): number {
  return payload.length >= 2 ? payload.readUInt16BE(0) : 1005;
}

export class FrameReader {
  #waiting: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): readonly Frame[] {
    this.#waiting = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk]);
    const frames: Frame[] = [];
    for (let frame = this.#next(); frame; frame = this.#next()) frames.push(frame);
    return frames;
  }

  #next(): Frame | null {
    const bytes = this.#waiting;
    if (bytes.length < 2) return null;
    const first = bytes.readUInt8(0);
    const second = bytes.readUInt8(1);
    if ((first & 0x70) !== 0) throw new RequestFailure('malformed', 'a reserved bit is set');
    if ((second & 0x80) !== 0) throw new RequestFailure('malformed', 'a masked frame from the server');
    const short = second & 0x7f;
    const headBytes = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (bytes.length < headBytes) return null;
    const size =
      short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
    if (size > LOAD_LIMITS.frameBytesMax) throw new RequestFailure('malformed', `a frame of ${size} bytes`);
    if (bytes.length < headBytes + size) return null;
    this.#waiting = bytes.subarray(headBytes + size);
    const payload = bytes.subarray(headBytes, headBytes + size);
    return { final: (first & 0x80) !== 0, opcode: first & 0x0f, payload };
  }
}

/** The server's half of RFC 6455 framing: reads masked frames, writes unmasked ones, no extensions. */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };
export const CLOSE = {
  normal: 1000,
  protocolError: 1002,
  notText: 1003,
  badText: 1007,
  tooBig: 1009,
  restart: 1012,
};
export const MESSAGE_BYTES_MAX = 64 * 1024;

/** The peer broke the protocol; `code` is what to close with. */
export class FrameError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export function frame(opcode, payload) {
  const size = payload.length;
  const head = Buffer.alloc(size < 126 ? 2 : size < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  if (size < 126) head[1] = size;
  else if (size < 65_536) {
    head[1] = 126;
    head.writeUInt16BE(size, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(size), 2);
  }
  return Buffer.concat([head, payload]);
}

export function closeFrame(code, reason = '') {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return frame(OPCODE.close, payload);
}

/** Returns a function that takes bytes and gives the frames completed by them: {final, opcode, payload}. */
export function createFrameReader() {
  let waiting = Buffer.alloc(0);

  function next() {
    if (waiting.length < 2) return null;
    const [first, second] = waiting;
    const opcode = first & 0x0f;
    if (first & 0x70) throw new FrameError(CLOSE.protocolError, 'reserved bit');
    if (!(second & 0x80)) throw new FrameError(CLOSE.protocolError, 'not masked');
    const short = second & 0x7f;
    if (opcode >= 8 && (short > 125 || !(first & 0x80)))
      throw new FrameError(CLOSE.protocolError, 'long or split control frame');
    if (short === 127) throw new FrameError(CLOSE.tooBig, 'too big');
    const headBytes = (short === 126 ? 4 : 2) + 4;
    if (waiting.length < headBytes) return null;
    const size = short === 126 ? waiting.readUInt16BE(2) : short;
    if (waiting.length < headBytes + size) return null;
    const mask = waiting.subarray(headBytes - 4, headBytes);
    const payload = Buffer.from(waiting.subarray(headBytes, headBytes + size));
    for (let i = 0; i < size; i += 1) payload[i] ^= mask[i & 3];
    waiting = waiting.subarray(headBytes + size);
    return { final: Boolean(first & 0x80), opcode, payload };
  }

  return (chunk) => {
    waiting = Buffer.concat([waiting, chunk]);
    const frames = [];
    for (let one = next(); one; one = next()) frames.push(one);
    return frames;
  };
}

import { createHash } from 'node:crypto';
import {
  CLOSE,
  closeFrame,
  createFrameReader,
  frame,
  FrameError,
  MESSAGE_BYTES_MAX,
  OPCODE,
} from './frames.js';
import { change, watchStock } from './stock.js';

const CLOSE_WAIT_MS = 2_000;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** WebSocket at /live: pushes stock changes and sends every text back. */
export function createLive(version) {
  const sessions = new Set();

  function accept(request, socket, head) {
    const key = request.headers['sec-websocket-key'];
    const right =
      new URL(request.url, 'http://shop').pathname === '/live' &&
      request.headers.upgrade?.toLowerCase() === 'websocket' &&
      request.headers['sec-websocket-version'] === '13' &&
      /^[A-Za-z0-9+/]{22}==$/.test(key ?? '');
    if (!right) {
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    const answer = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${answer}\r\nx-shop-version: ${version.name}\r\n\r\n`,
    );
    const session = createSession(socket, version, () => sessions.delete(session));
    sessions.add(session);
    if (head.length > 0) session.take(head);
  }

  return {
    accept,
    /** Tells every client to come back: 1012, "service restart" (RFC 6455 s. 7.4.1). */
    end() {
      for (const session of sessions) session.close(CLOSE.restart, 'service restart');
    },
  };
}

function createSession(socket, version, onGone) {
  const read = createFrameReader();
  let closing = false;
  let parts = [];

  const sendText = (text) => {
    if (!closing && socket.writable) socket.write(frame(OPCODE.text, Buffer.from(text)));
  };
  const close = (code, reason) => {
    if (closing) return;
    closing = true;
    socket.write(closeFrame(code, reason));
    // The client answers with its own close frame; one that does not is not waited for.
    setTimeout(() => socket.destroy(), CLOSE_WAIT_MS).unref();
  };
  const unwatch = watchStock((id) => sendText(JSON.stringify({ type: 'stock', ...change(id) })));

  function onMessage(part, final) {
    parts.push(part);
    const size = parts.reduce((sum, { length }) => sum + length, 0);
    if (size > MESSAGE_BYTES_MAX) throw new FrameError(CLOSE.tooBig, 'too big');
    if (!final) return;
    const text = decode(Buffer.concat(parts));
    parts = [];
    sendText(text);
  }

  function onFrame({ final, opcode, payload }) {
    switch (opcode) {
      case OPCODE.text:
        if (parts.length > 0) throw new FrameError(CLOSE.protocolError, 'a message within a message');
        return onMessage(payload, final);
      case OPCODE.continuation:
        if (parts.length === 0) throw new FrameError(CLOSE.protocolError, 'nothing to continue');
        return onMessage(payload, final);
      case OPCODE.ping:
        if (!closing) socket.write(frame(OPCODE.pong, payload));
        return;
      case OPCODE.pong:
        return;
      case OPCODE.close:
        close(payload.length >= 2 ? payload.readUInt16BE(0) : CLOSE.normal);
        socket.end();
        return;
      case OPCODE.binary:
        throw new FrameError(CLOSE.notText, 'text only');
      default:
        throw new FrameError(CLOSE.protocolError, `opcode ${opcode}`);
    }
  }

  function take(chunk) {
    try {
      for (const one of read(chunk)) onFrame(one);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      close(error.code, error.message);
      socket.end();
    }
  }

  socket.setNoDelay(true);
  socket.on('data', take);
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    unwatch();
    onGone();
  });
  sendText(JSON.stringify({ type: 'hello', version: version.name }));
  return { take, close };
}

function decode(bytes) {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new FrameError(CLOSE.badText, 'not UTF-8');
  }
}

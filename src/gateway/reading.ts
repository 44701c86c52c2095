/**
 * What a client sends, without the detour through its stream's queue. A socket gives what it read to its own `push`;
 * while the stream flows and its queue is empty, the next thing that happens is `data` with the same bytes, after
 * bookkeeping for readers that are slower than that. Here they come at once. Whatever is not that plain case -
 * paused, queued, the end - goes the ordinary way, and so would everything if sockets ceased to call `push`.
 *
 * A TCP socket is read without a fresh buffer for each read, too: all of them read into the same one, and what came
 * is copied out of it before anybody sees it. The copy is as long as what came, so that it can be given back.
 */
import net from 'node:net';
import { limits } from '../core/limits.ts';
import type { ClientSocket } from './client-socket.ts';
import { ownBuffer } from './give-back.ts';
import { type TcpHandle, type TcpHandles, tcpHandles } from './tcp-handle.ts';

const { clientReadBytes } = limits.gateway;

/** Nobody else has it, and nothing in it lasts until the next read. */
const shared = Buffer.allocUnsafeSlow(clientReadBytes);

export function readFrom(
  socket: ClientSocket,
  take: (bytes: Buffer) => void,
  handles: TcpHandles | null = tcpHandles,
): void {
  socket.on('data', take);
  // Other streams may send no more before they are asked, and only the queue asks.
  if (!(socket instanceof net.Socket)) return;
  const handle = handles?.of(socket) ?? null;
  if (handles !== null && handle !== null) readHandle(socket, handle, handles, take);
  else takePushed(socket, take);
}

const flows = (socket: net.Socket): boolean => socket.readableFlowing === true && socket.readableLength === 0;

function takePushed(socket: net.Socket, take: (bytes: Buffer) => void): void {
  const push = socket.push.bind(socket);
  socket.push = (bytes: unknown, encoding) => {
    if (!flows(socket) || !(bytes instanceof Buffer)) return push(bytes, encoding);
    take(bytes);
    return true;
  };
}

function readHandle(
  socket: net.Socket,
  handle: TcpHandle,
  handles: TcpHandles,
  take: (bytes: Buffer) => void,
): void {
  const ordinary = handle.onread;
  handle.useUserBuffer(shared);
  handle.onread = function onread(read) {
    const size = handles.readBytes();
    if (size <= 0) return ordinary.call(handle, read);
    const bytes = ownBuffer(size);
    shared.copy(bytes, 0, 0, size);
    if (flows(socket)) take(bytes);
    else if (!socket.push(bytes)) stopReading(socket, handle);
    return undefined;
  };
}

/**
 * The same for a connected socket that reads into a buffer of its own (`onread`): `take` is told how much came, and
 * says whether more may.
 */
export function readInto(
  socket: net.Socket,
  take: (size: number) => boolean,
  handles: TcpHandles | null = tcpHandles,
): void {
  const handle = handles?.of(socket) ?? null;
  if (handles === null || handle === null) return;
  const ordinary = handle.onread;
  handle.onread = function onread(read) {
    const size = handles.readBytes();
    if (size <= 0) return ordinary.call(handle, read);
    if (!take(size)) stopReading(socket, handle);
    return undefined;
  };
}

/** As Node does it: whoever resumes the socket starts it again. */
function stopReading(socket: net.Socket, handle: TcpHandle): void {
  handle.reading = false;
  if (!socket.destroyed) handle.readStop();
}

/**
 * What a client sends, without the detour through its stream's queue. A socket gives what it read to its own `push`;
 * while the stream flows and its queue is empty, the next thing that happens is `data` with the same bytes, after
 * bookkeeping for readers that are slower than that. Here they come at once. Whatever is not that plain case -
 * paused, queued, the end - goes the ordinary way, and so would everything if sockets ceased to call `push`.
 */
import net from 'node:net';
import type { ClientSocket } from './client-socket.ts';

export function readFrom(socket: ClientSocket, take: (bytes: Buffer) => void): void {
  socket.on('data', take);
  // Other streams may send no more before they are asked, and only the queue asks.
  if (!(socket instanceof net.Socket)) return;
  const push = socket.push.bind(socket);
  socket.push = (bytes: unknown, encoding) => {
    if (socket.readableFlowing !== true || socket.readableLength > 0 || !(bytes instanceof Buffer))
      return push(bytes, encoding);
    take(bytes);
    return true;
  };
}

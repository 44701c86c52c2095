/**
 * Event streams of OFREP: everybody who holds one open is told at once when flags change. A stream costs its socket
 * and little more: an event is made once, and each socket gets the same bytes.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { limits } from '../../core/limits.ts';
import type { FlagDesk } from './flag-desk.ts';

const HEARTBEAT = chunk(': there\n\n');
const RECONNECT_MS = 1_000;
const STREAM_HEADERS = { 'content-type': 'text/event-stream', 'cache-control': 'no-store' } as const;
const CHUNKED = { connection: 'keep-alive', 'transfer-encoding': 'chunked' } as const;

type Headers = Readonly<Record<string, string>>;

export class FlagStreams {
  readonly #desk: FlagDesk;
  readonly #open = new Set<Socket>();
  readonly #beating: NodeJS.Timeout;
  #beats: Socket[] = [];

  constructor(desk: FlagDesk) {
    this.#desk = desk;
    desk.onChange(() => this.#tellAll());
    this.#beating = setInterval(() => this.#beat(), limits.flags.heartbeatMs / BEATS);
  }

  get count(): number {
    return this.#open.size;
  }

  get isFull(): boolean {
    return this.#open.size >= limits.flags.streamsMax;
  }

  /** Whoever comes is told the newest state first: what changed while nobody was connected is not missed. */
  add(response: ServerResponse, headers: Headers): void {
    const { socket } = response;
    if (!socket) return;
    response.writeHead(200, { ...headers, ...STREAM_HEADERS });
    response.write(this.#beginning());
    this.#hold(socket);
  }

  /** The same for a connection of which HTTP knows nothing. */
  addSocket(socket: Socket, headers: Headers): void {
    const all = { ...headers, ...STREAM_HEADERS, ...CHUNKED };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`HTTP/1.1 200 OK\r\n${lines.join('')}\r\n`);
    socket.write(chunk(this.#beginning()));
    this.#hold(socket);
  }

  close(): void {
    clearInterval(this.#beating);
    for (const socket of this.#open) socket.destroy();
  }

  #hold(socket: Socket): void {
    socket.setNoDelay(true);
    socket.setTimeout(0);
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
  }

  #beginning(): string {
    return `retry: ${RECONNECT_MS}\n\n${this.#event()}`;
  }

  #event(): string {
    const { etag, changedAtMs } = this.#desk;
    const data = { type: 'refetchEvaluation', etag, lastModified: Math.floor(changedAtMs / 1000) };
    return `id: ${etag}\nevent: message\ndata: ${JSON.stringify(data)}\n\n`;
  }

  #tellAll(): void {
    const bytes = chunk(this.#event());
    for (const socket of this.#open) send(socket, bytes);
  }

  /** Some of them each time: who has left is found out, and no event waits for ten thousand heartbeats. */
  #beat(): void {
    if (this.#beats.length === 0) this.#beats = [...this.#open];
    const batch = this.#beats.splice(0, Math.ceil(this.#open.size / BEATS));
    for (const socket of batch) if (this.#open.has(socket)) send(socket, HEARTBEAT);
  }
}

const BEATS = 20;

/** Past Node's own framing, which would make the same chunk again for each of them. Who does not read is let go. */
function send(socket: Socket, bytes: Buffer): void {
  if (socket.writableLength > limits.flags.streamBacklogBytesMax) socket.destroy();
  else socket.write(bytes);
}

function chunk(text: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}

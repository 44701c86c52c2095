/**
 * Event streams of OFREP: everybody who holds one open is told at once when flags change. A stream costs its socket
 * and little more: an event is made once, and each socket gets the same bytes.
 */
import type { ServerResponse } from 'node:http';
import { limits } from '../../core/limits.ts';
import type { FlagDesk } from './flag-desk.ts';

const HEARTBEAT = chunk(': there\n\n');
const RECONNECT_MS = 1_000;

export class FlagStreams {
  readonly #desk: FlagDesk;
  readonly #open = new Set<ServerResponse>();
  readonly #beating: NodeJS.Timeout;
  #beats: ServerResponse[] = [];

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
  add(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
    response.socket?.setNoDelay(true);
    response.socket?.setTimeout(0);
    response.writeHead(200, {
      ...headers,
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
    });
    response.write(`retry: ${RECONNECT_MS}\n\n${this.#event()}`);
    this.#open.add(response);
    response.once('close', () => this.#open.delete(response));
  }

  close(): void {
    clearInterval(this.#beating);
    for (const response of this.#open) response.destroy();
  }

  #event(): string {
    const { etag, changedAtMs } = this.#desk;
    const data = { type: 'refetchEvaluation', etag, lastModified: Math.floor(changedAtMs / 1000) };
    return `id: ${etag}\nevent: message\ndata: ${JSON.stringify(data)}\n\n`;
  }

  #tellAll(): void {
    const bytes = chunk(this.#event());
    for (const response of this.#open) send(response, bytes);
  }

  /** Some of them each time: who has left is found out, and no event waits for ten thousand heartbeats. */
  #beat(): void {
    if (this.#beats.length === 0) this.#beats = [...this.#open];
    const batch = this.#beats.splice(0, Math.ceil(this.#open.size / BEATS));
    for (const response of batch) if (this.#open.has(response)) send(response, HEARTBEAT);
  }
}

const BEATS = 20;

/** Past Node's own framing, which would make the same chunk again for each of them. Who does not read is let go. */
function send(response: ServerResponse, bytes: Buffer): void {
  const { socket } = response;
  if (!socket || socket.writableLength > limits.flags.streamBacklogBytesMax) response.destroy();
  else socket.write(bytes);
}

function chunk(text: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}

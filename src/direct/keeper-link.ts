/**
 * The line to the keeper of the public socket: one short line per message. The keeper may be replaced or be away;
 * the instance then goes on as it was last told, and looks for the keeper until it is back.
 */
import net, { type Socket } from 'node:net';
import type { Surroundings } from './surroundings.ts';

const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 1_000;
const LINE_BYTES_MAX = 4_096;

export interface KeeperLinkEvents {
  readonly onLine: (line: string) => void;
  /** What the keeper should know of a program that it has not heard of yet. */
  readonly state: () => readonly string[];
}

export class KeeperLink {
  readonly #surroundings: Surroundings;
  readonly #events: KeeperLinkEvents;
  #socket: Socket | null = null;
  #pending = '';
  #retry: NodeJS.Timeout | null = null;
  #retryMs = RETRY_FIRST_MS;
  #closed = false;

  constructor(surroundings: Surroundings, events: KeeperLinkEvents) {
    this.#surroundings = surroundings;
    this.#events = events;
  }

  /** Resolves after the first try, whether or not the keeper was there. */
  open(): Promise<void> {
    return new Promise((resolve) => this.#dial(resolve));
  }

  say(line: string): void {
    this.#socket?.write(`${line}\n`);
  }

  close(): void {
    this.#closed = true;
    if (this.#retry) clearTimeout(this.#retry);
    this.#socket?.end();
  }

  #dial(onTried: () => void): void {
    const { keeperPath, id, token } = this.#surroundings;
    const socket = net.connect(keeperPath);
    // The link alone does not keep a program running.
    socket.unref();
    socket.setEncoding('utf8');
    socket.on('error', () => undefined);
    socket.once('connect', () => {
      this.#socket = socket;
      this.#retryMs = RETRY_FIRST_MS;
      for (const line of [`hello ${id} ${token}`, ...this.#events.state()]) this.say(line);
      onTried();
    });
    socket.on('data', (text: string) => this.#take(text));
    socket.once('close', () => {
      this.#socket = null;
      this.#pending = '';
      onTried();
      if (!this.#closed) this.#dialLater();
    });
  }

  #dialLater(): void {
    this.#retry = setTimeout(() => this.#dial(() => undefined), this.#retryMs);
    this.#retry.unref();
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
  }

  #take(text: string): void {
    const lines = (this.#pending + text).split('\n');
    this.#pending = lines.pop() ?? '';
    if (this.#pending.length > LINE_BYTES_MAX) this.#socket?.destroy();
    for (const line of lines) this.#events.onLine(line.trim());
  }
}

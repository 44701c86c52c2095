/**
 * Serves an `http.Server` in direct mode: asked for its health on a port of its own, and open to the public while
 * the keeper says so (R1, R2). Elsewhere it listens on PORT as any program does. Ends in both cases as users should
 * meet it: no connection is refused an answer that it was promised.
 */
import type { Server } from 'node:http';
import net, { type Socket } from 'node:net';
import { Guests } from './guests.ts';
import { KeeperLink } from './keeper-link.ts';
import { PublicDoor } from './public-door.ts';
import { surroundingsIn, type Surroundings } from './surroundings.ts';

export interface DirectOptions {
  /** Default: PORT of the environment, else 8080. */
  readonly port?: number;
  /** Default: 127.0.0.1 in direct mode, where only Segue asks on this port; else every address. */
  readonly host?: string;
  /** How long a connection may stay silent after its instance was taken out of traffic; default 2000 ms. */
  readonly idleGraceMs?: number;
  /** How long requests may go on after the signal to end; default 25000 ms, less than Segue's own limit. */
  readonly stopWithinMs?: number;
  /** The signal that ends the program; default SIGTERM. Null: the program calls `stop` itself. */
  readonly signal?: NodeJS.Signals | null;
  /** Called when the instance leaves traffic: the moment to tell WebSockets and event streams to reconnect. */
  readonly onRelease?: () => void;
  /** Called after the last request and before the program ends. */
  readonly onStop?: () => void | Promise<void>;
}

export interface DirectServer {
  /** True when there is no proxy in front of this program. */
  readonly isDirect: boolean;
  /** Resolves when it listens, and rejects when it cannot. */
  readonly listening: Promise<void>;
  /** No new connections; resolves when the last one has ended, or the limit passed. */
  stop(): Promise<void>;
}

const DEFAULT_PORT = 8080;
const IDLE_GRACE_MS = 2_000;
const STOP_WITHIN_MS = 25_000;
const REPORT_INTERVAL_MS = 100;
const STOP_LOOK_INTERVAL_MS = 10;

export function serveDirect(server: Server, options: DirectOptions = {}): DirectServer {
  const direct = new Direct(server, options, surroundingsIn(process.env));
  const { signal = 'SIGTERM', onStop } = options;
  if (signal !== null) {
    process.once(signal, () => {
      const end = (code: number) => () => process.exit(code);
      direct
        .stop()
        .then(() => onStop?.())
        .then(end(0), end(1));
    });
  }
  return direct;
}

class Direct implements DirectServer {
  readonly isDirect: boolean;
  readonly listening: Promise<void>;
  readonly #server: Server;
  readonly #options: DirectOptions;
  readonly #guests: Guests;
  readonly #door: PublicDoor | null = null;
  readonly #link: KeeperLink | null = null;
  #reporting: NodeJS.Timeout | null = null;
  #said = '';
  #stopping: Promise<void> | null = null;

  constructor(server: Server, options: DirectOptions, surroundings: Surroundings | null) {
    this.#server = server;
    this.#options = options;
    this.isDirect = surroundings !== null;
    this.#guests = new Guests(server, options.idleGraceMs ?? IDLE_GRACE_MS, () => this.#report());
    if (surroundings) {
      this.#door = new PublicDoor(surroundings.descriptors, (socket) => this.#welcome(socket));
      this.#link = new KeeperLink(surroundings, {
        onLine: (line) => this.#obey(line),
        state: () => [...this.#running(), this.#door?.isOpen ? 'accepting' : 'released'],
      });
    } else {
      server.on('connection', (socket: Socket) => this.#guests.add(socket));
    }
    this.listening = this.#listen();
  }

  /** The keeper knows the instance before anybody can find it ready. */
  async #listen(): Promise<void> {
    await this.#link?.open();
    const {
      port = Number(process.env['PORT'] ?? DEFAULT_PORT),
      host = this.isDirect ? '127.0.0.1' : undefined,
    } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port, host }, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  #welcome(socket: Socket): void {
    this.#guests.add(socket);
    this.#server.emit('connection', socket);
  }

  #obey(line: string): void {
    if (line === 'accept') void this.#accept();
    else if (line === 'release') this.#release();
  }

  async #accept(): Promise<void> {
    if (this.#stopping) return;
    this.#guests.stay();
    try {
      await this.#door?.open();
    } catch (error) {
      // Another copy of the program begins with descriptors of its own.
      process.stderr.write(`segue/direct: cannot accept (${String(error)}); ends\n`);
      process.kill(process.pid, this.#options.signal ?? 'SIGTERM');
      return;
    }
    this.#reporting ??= setInterval(() => this.#report(), REPORT_INTERVAL_MS).unref();
    this.#say('accepting');
  }

  /** What is under way is said first: whoever hears `released` knows it. */
  #release(): void {
    this.#leave();
    this.#report();
    this.#say('released');
  }

  #leave(): void {
    const wasOpen = this.#door === null || this.#door.isOpen;
    this.#door?.close();
    if (this.#reporting) clearInterval(this.#reporting);
    this.#reporting = null;
    this.#guests.leave();
    if (wasOpen) this.#options.onRelease?.();
  }

  #running(): string[] {
    const { requests, streams } = this.#guests.running;
    return [`running ${requests} ${streams}`];
  }

  #report(): void {
    const [line = ''] = this.#running();
    if (line === this.#said) return;
    this.#said = line;
    this.#say(line);
  }

  #say(line: string): void {
    this.#link?.say(line);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** The private port stays open to the last, so that nobody takes a draining instance for a dead one. */
  async #stop(): Promise<void> {
    const { stopWithinMs = STOP_WITHIN_MS } = this.#options;
    // Node's own http.Server.close would end idle connections, and with them the requests that are on their way.
    if (!this.isDirect) net.Server.prototype.close.call(this.#server);
    this.#leave();
    let looks = Math.ceil(stopWithinMs / STOP_LOOK_INTERVAL_MS);
    await new Promise<void>((resolve) => {
      const looking = setInterval(() => {
        looks -= 1;
        if (!this.#guests.isEmpty && looks > 0) return;
        clearInterval(looking);
        resolve();
      }, STOP_LOOK_INTERVAL_MS);
    });
    this.#guests.stay();
    this.#link?.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

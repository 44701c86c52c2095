/** The instances that share public sockets, and the unix socket on which they are told to accept or to stop. */
import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import net, { type Socket } from 'node:net';
import { limits } from '../../core/limits.ts';
import type { Occupant } from '../../wire/direct-messages.ts';
import { LineSplitter } from '../../wire/lines.ts';
import { Seat } from './seat.ts';

export interface SeatsOptions {
  readonly path: string;
  /** Makes the name of the socket unique until it has the one that instances know. */
  readonly pid: number;
  readonly log: (line: string) => void;
  /** After whatever an instance said, and after it left. */
  readonly onChange: () => void;
}

export class Seats {
  readonly #options: SeatsOptions;
  readonly #server: net.Server;
  readonly #seats = new Map<string, Seat>();
  readonly #sockets = new Set<Socket>();

  constructor(options: SeatsOptions) {
    this.#options = options;
    this.#server = net.createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = limits.direct.connectionsMax;
  }

  /** Takes the name over from a predecessor, in one step: instances that look for a keeper find one at any time. */
  async listen(): Promise<void> {
    const { path, pid } = this.#options;
    const first = `${path}.${pid}`;
    await fs.rm(first, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(first, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    await fs.rename(first, path);
  }

  /** The one that had the seat before, if any, has ended or is about to. */
  add(occupant: Occupant): Seat {
    const seat = new Seat(occupant);
    this.#seats.get(occupant.id)?.end();
    this.#seats.set(occupant.id, seat);
    return seat;
  }

  /** Only if it still is this one's: the next run of the instance may have taken it. */
  remove({ id, pid }: { readonly id: string; readonly pid: number }): void {
    const seat = this.#seats.get(id);
    if (seat?.occupant.pid !== pid) return;
    seat.end();
    this.#seats.delete(id);
    this.#options.onChange();
  }

  get(id: string): Seat | undefined {
    return this.#seats.get(id);
  }

  get all(): readonly Seat[] {
    return [...this.#seats.values()];
  }

  /** The instances go on as they were last told. */
  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    const splitter = new LineSplitter(limits.direct.lineBytesMax);
    let seat: Seat | null = null;
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      seat?.left(socket);
      this.#options.onChange();
    });
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const line of splitter.push(chunk)) {
          if (seat) seat.heard(line);
          else seat = this.#greet(socket, line);
        }
        this.#options.onChange();
      } catch (error) {
        this.#options.log(`direct: ${error instanceof Error ? error.message : String(error)}`);
        socket.destroy();
      }
    });
  }

  #greet(socket: Socket, line: string): Seat {
    const [word, id = '', token = ''] = line.split(' ');
    const seat = this.#seats.get(id);
    const tokenHash = createHash('sha256').update(token).digest('hex');
    if (word !== 'hello' || seat?.occupant.tokenHash !== tokenHash)
      throw new Error(`somebody who is not known said hello${/^[\w@.+-]+$/.test(id) ? ` as ${id}` : ''}`);
    seat.take(socket);
    return seat;
  }
}

/**
 * The public socket, shared with the other instances: accepting from it or not. What waits in the kernel's queue
 * when this instance stops accepting is accepted by another one.
 */
import net, { type Socket } from 'node:net';

export class PublicDoor {
  readonly #descriptors: number[];
  readonly #onSocket: (socket: Socket) => void;
  #server: net.Server | null = null;

  constructor(descriptors: readonly number[], onSocket: (socket: Socket) => void) {
    this.#descriptors = [...descriptors];
    this.#onSocket = onSocket;
  }

  /** Resolves when connections are accepted. Rejects when the descriptors are spent, or are no sockets. */
  async open(): Promise<void> {
    if (this.#server) return;
    const fd = this.#descriptors.shift();
    if (fd === undefined) throw new Error('the copies of the public socket are spent');
    // As http.Server makes its own.
    const server = net.createServer({ allowHalfOpen: true, noDelay: true }, this.#onSocket);
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ fd, exclusive: true }, resolve);
    });
  }

  /** Takes effect before it returns; connections go on. */
  close(): void {
    this.#server?.close();
    this.#server = null;
  }

  get isOpen(): boolean {
    return this.#server !== null;
  }
}

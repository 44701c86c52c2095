/** One end of a unix socket between master and worker: checked messages, one per line, in order. */
import type { Socket } from 'node:net';
import type { z } from 'zod';
import { limits } from '../core/limits.ts';
import { LineSplitter } from '../wire/lines.ts';

export interface MessageEvents<In> {
  readonly onMessage: (message: In) => void;
  /** Once, whoever ended it. Nothing comes after it. */
  readonly onClosed: (why: string) => void;
}

export class MessageSocket<In, Out> {
  readonly #socket: Socket;

  constructor(socket: Socket, schema: z.ZodType<In>, events: MessageEvents<In>) {
    this.#socket = socket;
    let why = 'the connection was closed';
    const splitter = new LineSplitter(limits.gateway.protocolLineBytesMax);
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const line of splitter.push(chunk)) {
          if (socket.destroyed) return;
          events.onMessage(schema.parse(JSON.parse(line)));
        }
      } catch (error) {
        why = `a message was not understood: ${error instanceof Error ? error.message : String(error)}`;
        socket.destroy();
      }
    });
    socket.on('error', (error) => (why = error.message));
    socket.once('close', () => events.onClosed(why));
  }

  get closed(): boolean {
    return this.#socket.destroyed;
  }

  /** What was not taken yet by a peer that does not read. */
  get backlogBytes(): number {
    return this.#socket.writableLength;
  }

  send(message: Out): void {
    if (this.#socket.writable) this.#socket.write(`${JSON.stringify(message)}\n`);
  }

  /** After what was sent; `ended` is called when the system has taken it all. */
  end(ended: () => void): void {
    this.#socket.end(ended);
  }

  cut(): void {
    this.#socket.destroy();
  }
}

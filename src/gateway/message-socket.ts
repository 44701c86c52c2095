/** One end of a unix socket between master and worker: checked messages, one per line, in order. */
import type { Socket } from 'node:net';
import type * as z from 'zod';
import { limits } from '../core/limits.ts';
import { LineSplitter } from '../wire/lines.ts';

export interface MessageEvents<In> {
  readonly onMessage: (message: In) => void;
  /** Once, whoever ended it. Nothing comes after it. */
  readonly onClosed: (why: string) => void;
  /** What is read in one turn of the event loop by whoever has clients that wait; left out: all there is. */
  readonly charsPerTurn?: number;
}

export class MessageSocket<In, Out> {
  readonly #socket: Socket;

  constructor(socket: Socket, schema: z.ZodType<In>, events: MessageEvents<In>) {
    this.#socket = socket;
    let why = 'the connection was closed';
    const splitter = new LineSplitter(limits.gateway.protocolLineBytesMax);
    const lines: string[] = [];
    const { charsPerTurn = Infinity } = events;
    const takeSome = () => {
      socket.resume();
      let chars = 0;
      while (!socket.destroyed && chars <= charsPerTurn) {
        const line = lines.shift();
        if (line === undefined) return;
        chars += line.length;
        try {
          events.onMessage(schema.parse(JSON.parse(line)));
        } catch (error) {
          why = `a message was not understood: ${error instanceof Error ? error.message : String(error)}`;
          socket.destroy();
        }
      }
      if (lines.length === 0 || socket.destroyed) return;
      socket.pause();
      setImmediate(takeSome);
    };
    socket.on('data', (chunk: Buffer) => {
      try {
        lines.push(...splitter.push(chunk));
      } catch (error) {
        why = error instanceof Error ? error.message : String(error);
        socket.destroy();
      }
      takeSome();
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

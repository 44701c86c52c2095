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
  #cut = false;

  constructor(socket: Socket, schema: z.ZodType<In>, events: MessageEvents<In>) {
    this.#socket = socket;
    let why = 'the connection was closed';
    const splitter = new LineSplitter(limits.gateway.protocolLineBytesMax);
    const lines: string[] = [];
    const takeOne = (line: string) => {
      try {
        events.onMessage(schema.parse(JSON.parse(line)));
      } catch (error) {
        why = `a message was not understood: ${error instanceof Error ? error.message : String(error)}`;
        this.cut();
      }
    };
    /** No more in one turn than a worker's clients can wait for. */
    const takeSome = () => {
      socket.resume();
      let chars = 0;
      while (!this.#cut && chars <= limits.gateway.messageCharsPerTurn) {
        const line = lines.shift();
        if (line === undefined) return;
        chars += line.length;
        takeOne(line);
      }
      if (lines.length === 0 || this.#cut) return;
      socket.pause();
      setImmediate(takeSome);
    };
    socket.on('data', (chunk: Buffer) => {
      try {
        lines.push(...splitter.push(chunk));
      } catch (error) {
        why = error instanceof Error ? error.message : String(error);
        this.cut();
      }
      takeSome();
    });
    socket.on('error', (error) => (why = error.message));
    socket.once('close', () => {
      // What had come before still counts.
      while (!this.#cut && lines.length > 0) takeOne(lines.shift() ?? '');
      events.onClosed(why);
    });
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
    this.#cut = true;
    this.#socket.destroy();
  }
}

/** What Node's own HTTP server makes of a stream of bytes: the second reader that ours is held against. */
import http from 'node:http';
import { Duplex } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import type { SeenRequest } from './http1-verdict.ts';

/** Turns of the event loop without news after which a connection has said all it has to say. */
const QUIET_TURNS = 3;

class Reading {
  readonly requests: { message: http.IncomingMessage; body: string }[] = [];
  events = 0;

  add(message: http.IncomingMessage): void {
    const seen = { message, body: '' };
    this.requests.push(seen);
    this.events += 1;
    message.setEncoding('latin1');
    message.on('data', (part: string) => {
      seen.body += part;
      this.events += 1;
    });
    message.on('error', () => undefined);
  }

  result(): SeenRequest[] {
    return this.requests.map(({ message, body }) => ({
      method: message.method ?? '',
      target: message.url ?? '',
      fields: pairs(message.rawHeaders),
      body,
      complete: message.complete,
    }));
  }
}

export class NodeHttpReader {
  readonly #server: http.Server;
  readonly #readings = new Map<Duplex, Reading>();

  constructor() {
    this.#server = http.createServer({ requireHostHeader: false, insecureHTTPParser: false });
    for (const event of ['request', 'checkContinue', 'checkExpectation']) {
      this.#server.on(event, (message: http.IncomingMessage) =>
        this.#readings.get(message.socket)?.add(message),
      );
    }
    // The connection stays until it is read: what came before the error counts.
    this.#server.on('clientError', () => undefined);
  }

  async read(inputs: readonly Buffer[]): Promise<SeenRequest[][]> {
    const sockets = inputs.map((input) => this.#open(input));
    const readings = [...this.#readings.values()];
    let quiet = 0;
    let before = -1;
    while (quiet < QUIET_TURNS) {
      await turn();
      const events = readings.reduce((sum, reading) => sum + reading.events, 0);
      quiet = events === before ? quiet + 1 : 0;
      before = events;
    }
    for (const socket of sockets) socket.destroy();
    this.#readings.clear();
    return readings.map((reading) => reading.result());
  }

  close(): void {
    this.#server.close();
  }

  #open(input: Buffer): Duplex {
    const socket = new Duplex({ read: () => undefined, write: (_chunk, _coding, done) => done() });
    socket.on('error', () => undefined);
    this.#readings.set(socket, new Reading());
    this.#server.emit('connection', socket);
    socket.push(input);
    return socket;
  }
}

function pairs(raw: readonly string[]): [string, string][] {
  const fields: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) fields.push([(raw[i] ?? '').toLowerCase(), raw[i + 1] ?? '']);
  return fields;
}

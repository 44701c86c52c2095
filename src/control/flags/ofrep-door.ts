/** The port that a user opens for OFREP. Without one, programs ask on control's own socket. */
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { SegueError } from '../../core/errors.ts';
import type { OfrepChoice } from '../../core/flags/choices.ts';
import { limits } from '../../core/limits.ts';
import { describeListen } from '../../core/listen.ts';
import { valueIn } from '../instance-environment.ts';
import type { ControlPorts } from '../ports.ts';
import type { FlagDesk } from './flag-desk.ts';
import type { FlagStreams } from './flag-streams.ts';
import { OfrepHandler } from './ofrep-handler.ts';
import { clientsOf } from './ofrep-keys.ts';
import { streamRequest } from './stream-request.ts';

export class OfrepDoor {
  readonly #ports: Pick<ControlPorts, 'clock' | 'environment'>;
  readonly #desk: FlagDesk;
  readonly #streams: FlagStreams;
  #server: { readonly choice: string; readonly listen: string; readonly server: Server } | null = null;
  #handler: OfrepHandler | null = null;
  /** Of which HTTP knows nothing, yet or at all. */
  readonly #plain = new Set<Socket>();

  constructor(ports: Pick<ControlPorts, 'clock' | 'environment'>, desk: FlagDesk, streams: FlagStreams) {
    this.#ports = ports;
    this.#desk = desk;
    this.#streams = streams;
  }

  /** Null: it is closed. */
  get listen(): string | null {
    return this.#server?.listen ?? null;
  }

  /** Opens, moves or closes the port as segue.yaml says now. Throws FLAGS_LISTEN, ENVIRONMENT_VALUE_MISSING. */
  async apply(choice: OfrepChoice | null): Promise<void> {
    if (choice === null) return this.close();
    this.#handler = this.#handlerFor(choice);
    const where = JSON.stringify(choice.listen);
    if (where === this.#server?.choice) return;
    await this.close();
    this.#server = { choice: where, listen: describeListen(choice.listen), server: await this.#open(choice) };
  }

  async close(): Promise<void> {
    const { server } = this.#server ?? {};
    this.#server = null;
    if (!server) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
      for (const socket of this.#plain) socket.destroy();
    });
  }

  #handlerFor({ keys, rate, origins }: OfrepChoice): OfrepHandler {
    const { clock } = this.#ports;
    const known = keys.map(({ key, flags }) => {
      const looked = valueIn(this.#ports.environment, key);
      if (looked.type === 'missing')
        throw new SegueError('ENVIRONMENT_VALUE_MISSING', `flags.ofrep.keys needs ${looked.name}.`);
      if (looked.value === '')
        throw new SegueError('ENVIRONMENT_VALUE_MISSING', 'A key of flags.ofrep is empty.');
      return { key: looked.value, flags };
    });
    return new OfrepHandler({
      desk: this.#desk,
      streams: this.#streams,
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      clients: clientsOf(known, rate, clock.monotonicMs()),
      origins,
    });
  }

  #open({ listen: { host, port } }: OfrepChoice): Promise<Server> {
    const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
      if (this.#handler?.handle(request, response)) return;
      response
        .writeHead(404, { 'content-type': 'application/json' })
        .end('{"errorDetails":"Only OFREP is here."}');
    });
    server.maxConnections = limits.flags.connectionsMax;
    this.#look(server);
    return new Promise((resolve, reject) => {
      server.once('error', (error) =>
        reject(new SegueError('FLAGS_LISTEN', error.message, { cause: error })),
      );
      server.listen({ port, backlog: limits.flags.acceptQueueMax, ...(host === '' ? {} : { host }) }, () =>
        resolve(server),
      );
    });
  }

  /** At the first bytes of each connection: a stream that is asked for there begins at once, all else is HTTP's. */
  #look(server: Server): void {
    const listeners = server.listeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      const leave = () => socket.destroy();
      this.#plain.add(socket);
      socket.once('close', () => this.#plain.delete(socket));
      socket.on('error', leave).on('end', leave).setTimeout(limits.flags.firstWordMs, leave);
      socket.once('data', (first: Buffer) => {
        socket.off('timeout', leave).setTimeout(0);
        const asked = streamRequest(first);
        const headers = asked && this.#handler?.streamHeaders(asked);
        const date = new Date(this.#ports.clock.nowMs()).toUTCString();
        if (headers) return this.#streams.addSocket(socket.resume(), { date, ...headers });
        this.#plain.delete(socket);
        socket.off('error', leave).off('end', leave).pause().unshift(first);
        for (const listener of listeners) Reflect.apply(listener, server, [socket]);
        process.nextTick(() => socket.resume());
      });
    });
  }
}

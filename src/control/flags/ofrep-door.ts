/** The port that a user opens for OFREP. Without one, programs ask on control's own socket. */
import { createServer, type Server } from 'node:http';
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

export class OfrepDoor {
  readonly #ports: Pick<ControlPorts, 'clock' | 'environment'>;
  readonly #desk: FlagDesk;
  readonly #streams: FlagStreams;
  #server: { readonly choice: string; readonly listen: string; readonly server: Server } | null = null;
  #handler: OfrepHandler | null = null;

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
    return new Promise((resolve, reject) => {
      server.once('error', (error) =>
        reject(new SegueError('FLAGS_LISTEN', error.message, { cause: error })),
      );
      server.listen({ port, backlog: limits.flags.acceptQueueMax, ...(host === '' ? {} : { host }) }, () =>
        resolve(server),
      );
    });
  }
}

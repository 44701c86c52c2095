/** Instances in direct mode with the real keeper of their socket, without control. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type DirectExit, DirectKeeper } from '../../src/gateway/keeper/keeper.ts';
import { eventually } from '../contract/eventually.ts';
import { somePort } from '../contract/some-port.ts';

const APP = fileURLToPath(new URL('../support/direct-app.mjs', import.meta.url));
const HELPER = new URL('../../src/direct/index.ts', import.meta.url).href;

export interface Instance {
  readonly id: string;
  readonly pid: number;
  /** Where Segue asks for its health. */
  readonly port: number;
  readonly token: string;
}

export interface StartChoices {
  readonly env?: Readonly<Record<string, string>>;
  readonly command?: readonly [string, ...string[]];
}

export class DirectSite {
  readonly folder: string;
  readonly port: number;
  readonly exits: DirectExit[] = [];
  readonly log: string[] = [];
  readonly keeper: DirectKeeper;
  readonly #public: net.BoundSocket;
  #count = 0;

  private constructor(folder: string) {
    this.folder = folder;
    this.#public = new net.BoundSocket({ host: '127.0.0.1', port: 0 });
    const address = this.#public.address();
    if (typeof address === 'string') throw new Error('not an address');
    this.port = address.port;
    this.keeper = this.newKeeper();
  }

  static async open(t: TestContext): Promise<DirectSite> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'segue-direct-'));
    const site = new DirectSite(folder);
    t.after(() => site.#close());
    await site.keeper.listen();
    return site;
  }

  newKeeper(): DirectKeeper {
    const socket = path.join(this.folder, 'direct.sock');
    return new DirectKeeper({
      path: socket,
      pathFrom: () => socket,
      pid: process.pid + this.#count,
      log: (line) => this.log.push(line),
      socketOf: () => this.#public.fd(),
      onExit: (exit) => this.exits.push(exit),
      onChange: () => undefined,
    });
  }

  /** Resolves when it answers on its private port: it may have traffic then. */
  async start(version: string, { env = {}, command }: StartChoices = {}): Promise<Instance> {
    this.#count += 1;
    const id = `web-${version}-${this.#count}`;
    const port = await somePort();
    const token = randomBytes(16).toString('hex');
    const [file, ...args] = command ?? [process.execPath, APP];
    const { pid } = await this.keeper.launch({
      ...{ id, service: 'web', version, file, args, dir: this.folder },
      env: {
        ...{ PATH: process.env['PATH'] ?? '', PORT: String(port), DIRECT_HELPER: HELPER },
        ...{ SEGUE_VERSION: version, SEGUE_INSTANCE: id, SEGUE_INSTANCE_SECRET: token, ...env },
      },
      logFile: path.join(this.folder, `${id}.log`),
      tokenHash: createHash('sha256').update(token).digest('hex'),
      listen: { host: '127.0.0.1', port: this.port },
    });
    await eventually(`${id} is ready`, () =>
      fetch(`http://127.0.0.1:${port}/ready`).then(
        (answer) => answer.ok,
        () => false,
      ),
    );
    return { id, pid, port, token };
  }

  /** Exactly these take connections when it resolves. */
  accept(instances: readonly Instance[]): Promise<void> {
    const backends = instances.map(({ id, port }) => ({ id, version: '', host: '127.0.0.1', port }));
    return this.keeper.apply([{ backends }]);
  }

  running(instance: Instance): number {
    const counts = this.keeper.counts.find((each) => each.instance === instance.id);
    return counts ? counts.inFlight + counts.streams : 0;
  }

  /** Drained, then told to end, as a release does it. */
  async retire(instance: Instance): Promise<void> {
    await eventually(`${instance.id} is drained`, () => this.running(instance) === 0);
    process.kill(instance.pid, 'SIGTERM');
    await this.ended(instance);
  }

  ended({ id, pid }: Instance): Promise<DirectExit> {
    return eventually(`${id} has ended`, () => this.exits.find((exit) => exit.pid === pid));
  }

  async #close(): Promise<void> {
    for (const { pid } of this.keeper.occupants) process.kill(pid, 'SIGKILL');
    await eventually('all have ended', () => this.keeper.occupants.length === 0);
    this.keeper.close();
    this.#public.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

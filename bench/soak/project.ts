/** The project that is soaked: the example shop in ever new versions, and a quiet service beside it. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeShop, type ShopVersion } from '../../test/load/shop.ts';
import { somePort } from '../../test/contract/some-port.ts';

/** What a routing change may change while nobody notices. */
export interface Shape {
  readonly strategy: 'rolling' | 'blue-green';
  readonly hold: '8s' | '10s' | '12s';
  /** The shop has a second, narrower route. */
  readonly narrowRoute: boolean;
  /** The address of the quiet service: it comes and goes while the shop's connections stay. */
  readonly quietPort: 0 | 1;
}

const STRATEGIES: Readonly<Record<Shape['strategy'], string>> = {
  rolling: '{ type: rolling, surge: 1 }',
  'blue-green': '{ type: blue-green, bake: 0s }',
};

export const WORKERS = 2;

export class SoakProject {
  readonly dir: string;
  readonly port: number;
  readonly #quietPorts: readonly [number, number];
  shape: Shape = { strategy: 'rolling', hold: '10s', narrowRoute: false, quietPort: 0 };
  #versions = 0;

  private constructor(dir: string, port: number, quietPorts: readonly [number, number]) {
    this.dir = dir;
    this.port = port;
    this.#quietPorts = quietPorts;
  }

  static async create(): Promise<SoakProject> {
    const dir = await realpath(await mkdtemp(path.join(tmpdir(), 'segue-soak-')));
    const project = new SoakProject(dir, await somePort(), [await somePort(), await somePort()]);
    await mkdir(path.join(dir, 'data'));
    await project.use({});
    return project;
  }

  /** Writes segue.yaml. Strategies count from the next release on, the rest from the next `segue up`. */
  async use(change: Partial<Shape>): Promise<void> {
    this.shape = { ...this.shape, ...change };
    const { strategy, hold, narrowRoute, quietPort } = this.shape;
    const data = JSON.stringify(path.join(this.dir, 'data'));
    const routes = narrowRoute ? '[{ path: / }, { path: /catalogue }]' : '[{ path: / }]';
    await writeFile(
      path.join(this.dir, 'segue.yaml'),
      `project: soak
keep: { versions: 3, for: 0s }
gateway: { workers: ${WORKERS} }
services:
  web:
    run: { command: node server.js, env: { SHOP_DATA: ${data} } }
    instances: 2
    traffic: { listen: "127.0.0.1:${this.port}", routes: ${routes}, hold: ${hold}, drain: { requests: 10s, streams: 1s } }
    health: { liveness: /livez, readiness: { path: /readyz, within: 20s } }
    strategy: ${STRATEGIES[strategy]}
    smoke: [{ get: /, expect: { status: 200, contains: Shop } }]
  quiet:
    run: { command: node server.js, env: { SHOP_DATA: ${data} } }
    instances: 1
    traffic: { listen: "127.0.0.1:${this.#quietPorts[quietPort]}" }
    health: { readiness: { path: /readyz, within: 20s } }
`,
    );
  }

  /** A version that nobody has seen before; returns its name. Its files lie in `versions/NAME`. */
  async build(behaviour: ShopVersion['behaviour'] = 'good'): Promise<string> {
    this.#versions += 1;
    const name = `v${this.#versions}`;
    await writeShop(path.join(this.dir, 'versions', name), { name, behaviour, accent: '#1d4ed8' });
    return name;
  }

  /** Control keeps its own copy of what it released. */
  async forget(version: string): Promise<void> {
    await rm(path.join(this.dir, 'versions', version), { recursive: true, force: true });
  }

  async remove(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }
}

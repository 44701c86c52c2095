/** A project of its own in a fresh folder: the example shop in several versions, some of them bad. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeShop, type ShopVersion } from '../../test/load/shop.ts';

export const INSTANCES = 3;

const VERSIONS: readonly ShopVersion[] = [
  { name: 'v1', accent: '#0f766e' },
  { name: 'v2', accent: '#1d4ed8' },
  { name: 'v3', accent: '#7e22ce' },
  { name: 'v4', behaviour: 'never-ready' },
  { name: 'v5', behaviour: 'broken-home' },
  // Slow enough for control to be killed in the middle of its release.
  { name: 'v6', behaviour: 'slow-start', delayMs: 500, accent: '#c2410c' },
];

export type Strategy = 'rolling' | 'blue-green';

const STRATEGIES: Readonly<Record<Strategy, string>> = {
  rolling: '{ type: rolling, surge: 1 }',
  'blue-green': '{ type: blue-green, bake: 2s }',
};

export class DemoProject {
  readonly dir: string;
  readonly port: number;

  private constructor(dir: string, port: number) {
    this.dir = dir;
    this.port = port;
  }

  static async create(): Promise<DemoProject> {
    const dir = await realpath(await mkdtemp(join(tmpdir(), 'segue-demo-')));
    const project = new DemoProject(dir, await freePort());
    await mkdir(join(dir, 'data'));
    for (const version of VERSIONS) await writeShop(join(dir, 'versions', version.name), version);
    await project.useStrategy('rolling');
    return project;
  }

  /** Writes segue.yaml; it comes into force with `segue up`. */
  async useStrategy(strategy: Strategy): Promise<void> {
    const text = `project: demo
services:
  web:
    run: { command: node server.js, env: { SHOP_DATA: ${JSON.stringify(join(this.dir, 'data'))} } }
    instances: ${INSTANCES}
    traffic:
      listen: 127.0.0.1:${this.port}
      drain: { requests: 10s, streams: 1s }
    health:
      liveness: /livez
      readiness: { path: /readyz, within: 4s }
    strategy: ${STRATEGIES[strategy]}
    smoke:
      - { get: /, expect: { status: 200, contains: Shop } }
`;
    await writeFile(join(this.dir, 'segue.yaml'), text);
  }

  remove(): Promise<void> {
    return rm(this.dir, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

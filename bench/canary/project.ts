/** The example shop under Segue's own control and gateway, with a strategy that the bench chooses. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ReleaseRecord } from '../../src/core/release/records.ts';
import { writeShop, type ShopVersion } from '../../test/load/shop.ts';
import { TestProject } from '../../test/support/test-project.ts';
import { untilApiEnds } from '../../test/support/api-client.ts';
import { TAKES } from './faults.ts';

const INSTANCES = 3;

export type Way = 'judged' | 'naive';

const STRATEGIES: Readonly<Record<Way, string>> = {
  judged: `    strategy: { type: canary, steps: [{ weight: 10, for: 3m }], bake: 0s }
    judge: { latency: { tolerate: 1.25x }, saturation: { growth: 2GB/h, every: 1s, warmUp: 10s } }
`,
  naive: `    strategy: { type: rolling, bake: 0s }
    judge: off
`,
};

export class ShopProject {
  readonly #project: TestProject;
  #builds = 0;

  private constructor(project: TestProject) {
    this.#project = project;
  }

  static async create(way: Way): Promise<ShopProject> {
    const project = await TestProject.create();
    const data = path.join(project.root, 'data');
    const text = `project: shop
services:
  web:
    run: { command: node server.js, env: { SHOP_DATA: ${JSON.stringify(data)} } }
    instances: ${INSTANCES}
    traffic: { listen: "127.0.0.1:${project.port}" }
    health: { liveness: /livez, readiness: { path: /readyz, interval: 200ms } }
${STRATEGIES[way]}`;
    await writeFile(path.join(project.root, 'segue.yaml'), text);
    await project.up();
    return new ShopProject(project);
  }

  get port(): number {
    return this.#project.port;
  }

  /** A version that was not there before; returns its name. */
  async build(version: Omit<ShopVersion, 'name'>): Promise<string> {
    this.#builds += 1;
    const name = `v${this.#builds}`;
    await writeShop(path.join(this.#project.root, 'builds', name), { takes: TAKES, ...version, name });
    return name;
  }

  begin(version: string): Promise<string> {
    return this.#project.begin(version);
  }

  /** Its events end with it. */
  async ended(id: string): Promise<ReleaseRecord> {
    await untilApiEnds(this.#project.root, `/v1/releases/${id}/events`);
    return (await this.#project.release(id)).release;
  }

  /** Back to the version before, by hand. */
  rollback(): Promise<ReleaseRecord> {
    return this.#project.rollback();
  }

  remove(): Promise<void> {
    return this.#project.remove();
  }
}

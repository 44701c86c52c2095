/** A project of its own for one run of the benchmarks: the small app in as many versions as are asked for. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ReleaseResponse } from '../../src/wire/api.ts';
import { untilApiEnds } from '../../test/support/api-client.ts';
import { TestProject } from '../../test/support/test-project.ts';

const APP = path.join(import.meta.dirname, '..', 'app', 'server.mjs');

/** What a version holds beside the app, so that keeping its files is work, as it is for a real one. */
const BALLAST = { files: 200, bytesEach: 8 * 1024, changedFiles: 20 } as const;
export const BALLAST_IN_WORDS = `${BALLAST.files} files of ${BALLAST.bytesEach / 1024} KB, ${BALLAST.changedFiles} of them changed`;

export const INSTANCES = 3;

export interface Shape {
  readonly strategy: string;
  readonly instances?: number;
  readonly smoke?: boolean;
}

/** A release from the moment in which it was asked for. */
export interface Release extends ReleaseResponse {
  readonly askedAtMs: number;
}

export class BenchProject {
  readonly #project: TestProject;
  #versions = 0;
  #building: Promise<unknown> = Promise.resolve();
  #removed = false;

  private constructor(project: TestProject) {
    this.#project = project;
  }

  static async create(): Promise<BenchProject> {
    return new BenchProject(await TestProject.create());
  }

  get port(): number {
    return this.#project.port;
  }

  up(): Promise<void> {
    return this.#project.up();
  }

  /** In force with the next release. What is not said here is as Segue has it by default. */
  async use({ strategy, instances = INSTANCES, smoke = false }: Shape): Promise<void> {
    const text = `project: bench
services:
  web:
    run: { command: ${JSON.stringify([process.execPath, 'server.mjs'])} }
    instances: ${instances}
    traffic: { listen: "127.0.0.1:${this.port}" }
    health: { readiness: / }
    strategy: ${strategy}
    smoke: ${smoke ? '[{ get: /smoke }]' : '[]'}
`;
    await writeFile(path.join(this.#project.root, 'segue.yaml'), text);
  }

  /** Writes a version that was not there before; returns its name. `sour`: bad once it serves. */
  async build({ sour = false } = {}): Promise<string> {
    this.#versions += 1;
    const version = `v${this.#versions}`;
    const building = this.#write(version, sour);
    this.#building = building;
    await building;
    return version;
  }

  async #write(version: string, sour: boolean): Promise<void> {
    if (this.#removed) throw new Error('the project was removed');
    const dir = this.dirOf(version);
    await mkdir(path.join(dir, 'assets'), { recursive: true });
    await copyFile(APP, path.join(dir, 'server.mjs'));
    await writeFile(path.join(dir, 'version.json'), JSON.stringify({ version, sour }));
    for (let number = 0; number < BALLAST.files; number += 1) {
      const text = number < BALLAST.changedFiles ? `${version} ${number} ` : `${number} `;
      await writeFile(path.join(dir, 'assets', `${number}.txt`), Buffer.alloc(BALLAST.bytesEach, text));
    }
  }

  dirOf(version: string): string {
    return path.join(this.#project.root, 'builds', version);
  }

  /** A release that has to go well. */
  async deploy(version: string): Promise<Release> {
    const release = await this.ended(await this.begin(version));
    const { state } = release.summary;
    if (state !== 'done') throw new Error(`the release of ${version} ended ${state}: ${release.summary.why}`);
    return release;
  }

  async begin(version: string): Promise<{ readonly id: string; readonly askedAtMs: number }> {
    const askedAtMs = Date.now();
    return { id: await this.#project.begin(version), askedAtMs };
  }

  async ended({ id, askedAtMs }: { readonly id: string; readonly askedAtMs: number }): Promise<Release> {
    // Its events end with it: to ask again and again would take time from what is measured.
    await untilApiEnds(this.#project.root, `/v1/releases/${id}/events`);
    return { ...(await this.#project.release(id)), askedAtMs };
  }

  abort(): Promise<void> {
    return this.#project.abort();
  }

  /** Until the candidate has all traffic, and stable is warm beside it. */
  async untilBake(id: string): Promise<void> {
    const bakes = await this.#project.eventually(async () => {
      const { state, plan } = (await this.#project.release(id)).release;
      return state.phase === 'forward' && state.underWay && plan.steps[state.at]?.kind === 'bake';
    });
    if (!bakes) throw new Error(`${id} did not come to its bake`);
  }

  /** The port of the instance that serves, when there is one. */
  async portOfInstance(): Promise<number> {
    const [instance, ...others] = (await this.#project.status()).services[0]?.instances ?? [];
    if (!instance || others.length > 0) throw new Error('not one instance');
    return instance.port;
  }

  /** Ends everything, however it was left, the copies started by hand in its folder too. */
  async remove(): Promise<void> {
    this.#removed = true;
    await this.#building.catch(() => undefined);
    await this.#project.remove();
  }
}

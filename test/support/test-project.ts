/** A project in a folder of its own, with control as a real process, and an end that leaves nothing behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Entry } from '../../src/core/release/journal.ts';
import type { ReleaseRecord } from '../../src/core/release/records.ts';
import type { DeployResponse, ReleaseResponse, ServiceStatus, StatusResponse } from '../../src/wire/api.ts';
import { somePort } from '../contract/some-port.ts';
import { ApiFailure, callApi } from './api-client.ts';
import { processesUnder } from './processes.ts';
import { program } from './program.ts';

const here = import.meta.dirname;
const CONTROL = program('src/main/control.ts');
/** What takes longer is asked for less often: each look costs control and the test as much as a request. */
const PAUSE_MS_MAX = 50;
const PATIENCE_MS = 120_000;

export interface ProjectOptions {
  readonly instances?: number;
  /** YAML lines of the service, indented by four spaces, after `run`, `traffic` and `health`. */
  readonly service?: string;
  readonly health?: string;
  /** Path of the readiness check; default `/ready`. */
  readonly readiness?: string;
  readonly traffic?: string;
  /** Default: longer than anything takes that ends by itself, on a machine however busy. */
  readonly drain?: string;
  readonly command?: string;
  /** How long an instance may take to end after its signal; default `3s`. */
  readonly stopWithin?: string;
  /** How long a new instance may take to get ready; default `60s`. */
  readonly readyWithin?: string;
  readonly top?: string;
  /** Instead of a web service: YAML lines of a worker called `mailer`, indented by four spaces, after `kind` and `run`. */
  readonly worker?: string;
}

export interface StartOptions {
  /** Another main for control, such as one that dies at a chosen write. */
  readonly main?: string;
  readonly env?: Readonly<Record<string, string>>;
}

export class TestProject {
  readonly root: string;
  readonly port: number;
  /** The service that is released: `web`, or `mailer` where it is a worker. */
  name = 'web';
  control: ChildProcess | null = null;

  private constructor(root: string, port: number) {
    this.root = root;
    this.port = port;
  }

  static async create(options: ProjectOptions = {}): Promise<TestProject> {
    const root = await realpath(await mkdtemp(path.join(os.tmpdir(), 'segue-e2e-')));
    const project = new TestProject(root, await somePort());
    await project.writeFile(options);
    return project;
  }

  async writeFile(options: ProjectOptions): Promise<void> {
    if (options.worker !== undefined) return this.#writeWorker(options.worker, options.top ?? '');
    const text = `project: test
services:
  web:
    run: { command: ${options.command ?? 'node server.mjs'}, stop: { within: ${options.stopWithin ?? '3s'} } }
    instances: ${options.instances ?? 2}
    traffic: { listen: "127.0.0.1:${this.port}", drain: ${options.drain ?? '{ requests: 60s, streams: 20s }'}${options.traffic ?? ''} }
    health: { readiness: { path: ${options.readiness ?? '/ready'}, interval: 100ms, timeout: 5s, successes: 2, within: ${options.readyWithin ?? '60s'} }${options.health ?? ''} }
${options.service ?? ''}
${options.top ?? ''}
`;
    await writeFile(path.join(this.root, 'segue.yaml'), text);
  }

  async #writeWorker(lines: string, top: string): Promise<void> {
    this.name = 'mailer';
    const service = `  mailer:\n    kind: worker\n    run: node worker.mjs\n${lines}`;
    await writeFile(path.join(this.root, 'segue.yaml'), `project: test\nservices:\n${service}\n${top}\n`);
  }

  /** A folder with the test app; `behaviour` is what distinguishes one version from another. */
  async build(name: string, behaviour: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const dir = path.join(this.root, 'builds', name);
    await mkdir(dir, { recursive: true });
    await copyFile(path.join(here, 'app.mjs'), path.join(dir, 'server.mjs'));
    await copyFile(path.join(here, 'worker.mjs'), path.join(dir, 'worker.mjs'));
    await writeFile(path.join(dir, 'behaviour.json'), JSON.stringify({ name, ...behaviour }));
    return dir;
  }

  /** Resolves when the API answers; rejects with control's own output when it ends first. */
  async up(options: StartOptions = {}): Promise<void> {
    const args = [options.main ?? CONTROL, '--dir', this.root];
    const child = spawn(process.execPath, args, {
      cwd: this.root,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.control = child;
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const up = await this.eventually(
      () => child.exitCode !== null || child.signalCode !== null || /is up, pid/.test(output),
    );
    if (!up || child.exitCode !== null || child.signalCode !== null)
      throw new Error(`control ended with ${child.exitCode ?? child.signalCode}:\n${output}`);
  }

  api<T>(method: string, url: string, body?: unknown): Promise<T> {
    return callApi<T>(this.root, method, url, body);
  }

  status(): Promise<StatusResponse> {
    return this.api('GET', '/v1/status');
  }

  /** Begins a release and returns its id. */
  async begin(version: string, dir?: string): Promise<string> {
    const body = { service: this.name, version, dir: dir ?? path.join('builds', version), by: 'test' };
    const { release } = await this.api<DeployResponse>('POST', '/v1/releases', body);
    if (!release) throw new Error(`${version} serves already`);
    return release.id;
  }

  async deploy(version: string, dir?: string): Promise<ReleaseRecord> {
    return this.ended(await this.begin(version, dir));
  }

  async rollback(): Promise<ReleaseRecord> {
    const body = { to: null, by: 'test', reason: '' };
    const { release } = await this.api<DeployResponse>('POST', `/v1/services/${this.name}/rollback`, body);
    if (!release) throw new Error('nothing was rolled back');
    return this.ended(release.id);
  }

  async abort(): Promise<void> {
    await this.api('POST', `/v1/services/${this.name}/abort`, { by: 'test', reason: '' });
  }

  async release(id: string): Promise<ReleaseResponse> {
    return this.api('GET', `/v1/releases/${id}`);
  }

  async ended(id: string): Promise<ReleaseRecord> {
    let last: ReleaseRecord | null = null;
    const done = await this.eventually(async () => {
      last = (await this.release(id)).release;
      return last.endedAtMs !== null;
    });
    if (!done || !last) throw new Error(`${id} did not end: ${JSON.stringify(last)}`);
    return last;
  }

  async journal(): Promise<readonly Entry[]> {
    return (await this.api<{ entries: readonly Entry[] }>('GET', '/v1/journal')).entries;
  }

  /** Looks again until it holds; false when patience ends. Errors count as "not yet". */
  async eventually(condition: () => boolean | Promise<boolean>, patienceMs = PATIENCE_MS): Promise<boolean> {
    let pauseMs = 10;
    for (const endMs = performance.now() + patienceMs; performance.now() < endMs; await sleep(pauseMs)) {
      pauseMs = Math.min(PAUSE_MS_MAX, pauseMs + 1);
      try {
        if (await condition()) return true;
      } catch (error) {
        if (error instanceof ApiFailure) throw error;
      }
    }
    return false;
  }

  /** The one service's status. */
  async web(): Promise<ServiceStatus> {
    const [service] = (await this.status()).services;
    if (!service) throw new Error('there is no service');
    return service;
  }

  /** As many instances as wanted, of stable, each in traffic or, as a worker, ready. */
  async allServe(): Promise<boolean> {
    const { instances, stable, wanted } = await this.web();
    const serves = (of: ServiceStatus['instances'][number]) =>
      of.traffic === 'serving' || (of.traffic === 'working' && of.ready);
    return instances.length === wanted && instances.every((i) => i.version === stable && serves(i));
  }

  async killControl(): Promise<void> {
    const child = this.control;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  async down(): Promise<void> {
    await this.api('POST', '/v1/down', { by: 'test', instances: true });
  }

  log(name: 'control' | 'gateway'): Promise<string> {
    return readFile(path.join(this.root, '.segue', `${name}.log`), 'utf8').catch(() => '');
  }

  /** Ends everything of the project, however it was left, and removes its folder. */
  async remove(): Promise<void> {
    await this.killControl();
    for (;;) {
      const left = (await processesUnder(this.root)).filter(({ pid }) => pid !== process.pid);
      if (left.length === 0) break;
      for (const { pid } of left) killQuietly(pid);
      await sleep(10);
    }
    await rm(this.root, { recursive: true, force: true });
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}

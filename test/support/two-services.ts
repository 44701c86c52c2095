/** A project of two services on addresses of their own: web comes after api. */
import type { TestContext } from 'node:test';
import type { Fact } from '../../src/core/release/journal.ts';
import type { ReleaseRecord } from '../../src/core/release/records.ts';
import type { ServiceStatus, TogetherResponse } from '../../src/wire/api.ts';
import { somePort } from '../contract/some-port.ts';
import { TestProject } from './test-project.ts';

export interface TwoOptions {
  readonly strategy?: string;
  /** Of api; the same as of web unless given. */
  readonly apiStrategy?: string;
  readonly instances?: number;
}

export class TwoServices {
  readonly project: TestProject;
  readonly apiPort: number;

  private constructor(project: TestProject, apiPort: number) {
    this.project = project;
    this.apiPort = apiPort;
  }

  static async create(options: TwoOptions = {}): Promise<TwoServices> {
    const { strategy = 'rolling', apiStrategy = strategy, instances = 1 } = options;
    const apiPort = await somePort();
    const smoke = 'smoke: [{ get: /, expect: { status: 200 } }]';
    const service = `    strategy: ${strategy}
    ${smoke}
    files: builds/next
    after: [api]
  api:
    run: { command: node server.mjs, stop: { within: 3s } }
    files: builds/next
    instances: ${instances}
    traffic: { listen: "127.0.0.1:${apiPort}", drain: { requests: 60s, streams: 20s } }
    health: { readiness: { path: /ready, interval: 100ms, timeout: 5s, successes: 2, within: 60s } }
    strategy: ${apiStrategy}
    ${smoke}`;
    const project = await TestProject.create({ instances, service });
    return new TwoServices(project, apiPort);
  }

  /** v1 of both serves. */
  static async serving(t: TestContext, options: TwoOptions = {}): Promise<TwoServices> {
    const two = await TwoServices.create(options);
    t.after(() => two.project.remove());
    await two.project.up();
    for (const version of ['v1', 'v2']) await two.project.build(version);
    await two.deploy('v1');
    return two;
  }

  /** The releases of api and web, in this order. */
  async begin(api: string, web = api): Promise<{ readonly api: string; readonly web: string }> {
    const services = [
      { service: 'web', version: web, dir: `builds/${web}` },
      { service: 'api', version: api, dir: `builds/${api}` },
    ];
    const body = { services, by: 'test' };
    const { releases } = await this.project.api<TogetherResponse>('POST', '/v1/together', body);
    const idOf = (service: string) => releases.find((each) => each.service === service)?.id ?? '';
    return { api: idOf('api'), web: idOf('web') };
  }

  async ended(ids: { readonly api: string; readonly web: string }) {
    const api = await this.project.ended(ids.api);
    return { api, web: await this.project.ended(ids.web) };
  }

  async deploy(
    api: string,
    web = api,
  ): Promise<{ readonly api: ReleaseRecord; readonly web: ReleaseRecord }> {
    return this.ended(await this.begin(api, web));
  }

  async say(verb: string, service: string): Promise<void> {
    await this.project.api('POST', `/v1/services/${service}/${verb}`, { by: 'kim', reason: 'because' });
  }

  async services(): Promise<readonly ServiceStatus[]> {
    return (await this.project.status()).services;
  }

  async stables(): Promise<string[]> {
    const all = (await this.services()).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return all.map(({ stable }) => stable ?? '-');
  }

  /** Numbers in the journal of what happened to those releases, by kind of fact and of step. */
  async when(release: string, kind: Fact['kind'], step?: string): Promise<number[]> {
    const { entries } = await this.project.release(release);
    return entries
      .filter(({ fact }) => fact.kind === kind)
      .filter(({ fact }) => step === undefined || ('step' in fact && fact.step.kind === step))
      .map(({ seq }) => seq);
  }
}

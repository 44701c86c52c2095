/**
 * Hunts a web service and a worker released as one that are not one: a web version at work before its worker, a worker
 * that stays new while the web version goes back, or goes back before requests have left; and what the command line
 * says of workers.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { causeOf } from '../../src/core/release/records.ts';
import type { TogetherResponse } from '../../src/wire/api.ts';
import { cli, endCli } from '../support/cli.ts';
import { JobQueue } from '../support/job-queue.ts';
import { assertEnded } from '../support/outcome.ts';
import { instancesUnder } from '../support/processes.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import { TestProject } from '../support/test-project.ts';

after(() => endCli());

const EXAMPLE = fileURLToPath(new URL('../../examples/worker', import.meta.url));

const SERVICES = `    strategy: { type: blue-green, bake: 100ms }
    smoke: [{ get: /, expect: { status: 200 } }]
    files: builds/v1
    after: [mailer]
  mailer:
    kind: worker
    run: node worker.mjs
    files: builds/v1
    drain: 30s
    health: { readiness: { runs: 100ms, interval: 50ms } }
    smoke: [{ command: node -e 0 }]
    strategy: rolling`;

class Shop {
  readonly project: TestProject;
  readonly queue: JobQueue;

  private constructor(project: TestProject) {
    this.project = project;
    this.queue = new JobQueue(path.join(project.root, 'queue'));
  }

  /** v1 of both works. */
  static async open(t: TestContext): Promise<Shop> {
    const shop = new Shop(await TestProject.create({ instances: 1, service: SERVICES }));
    t.after(() => {
      shop.queue.stop();
      return shop.project.remove();
    });
    await shop.project.up();
    await shop.build('v1');
    const { web, mailer } = await shop.release('v1');
    assertEnded(mailer, 'done');
    assertEnded(web, 'done');
    return shop;
  }

  async build(version: string, behaviour: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.project.build(version, { queue: this.queue.root, ...behaviour });
  }

  async release(version: string) {
    const services = ['web', 'mailer'].map((service) => ({ service, version, dir: `builds/${version}` }));
    const { releases } = await this.project.api<TogetherResponse>('POST', '/v1/together', {
      services,
      by: 'test',
    });
    const ended = async (service: string) =>
      this.project.ended(releases.find((each) => each.service === service)?.id ?? '');
    return { web: await ended('web'), mailer: await ended('mailer') };
  }

  /** Numbers in the journal of the steps of this kind that a release began. */
  async began(release: string, step: string): Promise<number[]> {
    const { entries } = await this.project.release(release);
    return entries.flatMap(({ seq, fact }) =>
      fact.kind === 'step-started' && fact.step.kind === step ? [seq] : [],
    );
  }
}

it('the worker first, then the web service, promoted as one; and back in the other order', async (t) => {
  const shop = await Shop.open(t);
  const load = steadyLoad(t, shop.project.port);
  shop.queue.feed();
  await shop.build('v2');
  const { web, mailer } = await shop.release('v2');
  assertEnded(mailer, 'done');
  assertEnded(web, 'done');
  const [mailerReady = 0] = await shop.began(mailer.id, 'smoke');
  const [webStarts = 0] = await shop.began(web.id, 'start');
  assert.ok(mailerReady > 0 && webStarts > mailerReady, `${webStarts} comes after ${mailerReady}`);

  await shop.build('bad', { broken: true });
  const bad = await shop.release('bad');
  assertEnded(bad.web, 'rolled-back');
  assertEnded(bad.mailer, 'rolled-back');
  assert.equal(causeOf(bad.web)?.code, 'SMOKE_FAILED');
  assert.equal(causeOf(bad.mailer)?.code, 'GROUP_TURNED');
  const webLeft = (await shop.began(bad.web.id, 'stop')).at(-1) ?? 0;
  const mailerLeaves = (await shop.began(bad.mailer.id, 'stop')).at(-1) ?? 0;
  assert.ok(webLeft > 0 && webLeft < mailerLeaves, `web left (${webLeft}) before mailer (${mailerLeaves})`);

  await assertClean(load);
  shop.queue.stop();
  assert.ok(await shop.project.eventually(() => shop.queue.isEmpty));
  shop.queue.assertEachDoneOnce();
  assert.equal((await instancesUnder(shop.project.root)).length, 2);
});

it('the command line tells of a worker what there is to tell', async (t) => {
  const shop = await Shop.open(t);
  const { root } = shop.project;
  const run = async (exit: number, ...args: string[]) => {
    const { exitCode, out, err } = await cli(root, args);
    assert.equal(exitCode, exit, out + err);
    return out;
  };
  assert.match(await run(0, 'check'), /mailer +worker, jobs get 30s +1 x node worker\.mjs +rolling/);
  const plan = await run(0, 'plan', 'mailer', '--version', 'v2');
  assert.match(plan, /tell mailer-r\d+-1 to stop; jobs get 30s/);
  assert.match(plan, /stable is untouched; the candidate is only stopped/);
  const deployed = await run(0, 'deploy', 'mailer', '--version', 'v2', '--dir', 'builds/v1');
  assert.match(deployed, /done: v2 runs mailer, after/);
  assert.doesNotMatch(deployed, /requests/);
  const status = await run(0, 'status');
  assert.match(status, /mailer {2}worker {2}v2 runs, v1 before, 1 of 1 ready/);
  assert.match(status, /mailer-r\d+-1 +v2 +ready +working/);
  const shown = await run(0, 'show');
  assert.match(shown, /tell mailer-r\d+-1 to stop; jobs get 30s/);
  assert.match(shown, /ended [\d.]+m?s after SIGTERM/);
  assert.doesNotMatch(await run(0, 'traffic'), /mailer/);
  await run(2, 'traffic', 'mailer');
  assert.match(await run(0, 'rollback', 'mailer'), /done: v1 runs mailer/);
  await run(0, 'logs', 'mailer', '--lines', '1');
});

it('the example worker is released while it has work, and each of its jobs is done once', async (t) => {
  const project = await TestProject.create({});
  t.after(() => project.remove());
  const { root } = project;
  await cp(EXAMPLE, root, { recursive: true });
  const jobs = await mkdtemp(path.join(tmpdir(), 'segue-jobs-'));
  t.after(() => rm(jobs, { recursive: true, force: true }));
  const file = await readFile(path.join(EXAMPLE, 'segue.yaml'), 'utf8');
  await writeFile(path.join(root, 'segue.yaml'), file.replace('/tmp/segue-jobs', jobs));
  await project.up();
  const run = async (...args: string[]) => {
    const { exitCode, out, err } = await cli(root, args);
    assert.equal(exitCode, 0, out + err);
  };
  await run('deploy', 'mailer', '--version', 'v1');
  await promisify(execFile)(process.execPath, ['put.js', '12'], { cwd: root, env: { JOBS: jobs } });
  await writeFile(path.join(root, 'version.json'), '{ "name": "v2", "greeting": "Good day" }');
  await run('deploy', 'mailer', '--version', 'v2');
  const done = async () => (await readFile(path.join(jobs, 'done'), 'utf8')).trimEnd().split('\n');
  assert.ok(await project.eventually(async () => (await done()).length >= 12));
  const all = await done();
  assert.equal(new Set(all.map((line) => line.split(' ')[0])).size, 12);
  assert.equal(all.length, 12, all.join('; '));
});

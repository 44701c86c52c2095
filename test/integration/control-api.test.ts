/**
 * Hunts requests to control that are half understood, that change something although they are refused, or
 * that bring control down; and orders for releases that meet another one.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import type { DeployResponse, PlanResponse } from '../../src/wire/api.ts';
import { assertEnded } from '../support/outcome.ts';
import { rawCall } from '../support/raw-api.ts';
import { refused } from '../support/refused.ts';
import { TestProject } from '../support/test-project.ts';

const order = { service: 'web', version: 'v1', dir: 'builds/v1', by: 'test' };
const back = { to: null, by: 'test', reason: '' };

describe('requests that are not right', () => {
  let project: TestProject;
  before(async () => {
    project = await TestProject.create();
    await project.up();
  });
  after(() => project.remove());

  const post = (url: string, body: string, more: { chunked?: boolean } = {}) =>
    rawCall(project.root, { method: 'POST', path: url, body, ...more });

  it('of another API are refused with both versions named', async () => {
    for (const version of ['999', '']) {
      const headers = { 'segue-api': version };
      const { status, text } = await rawCall(project.root, { path: '/v1/status', headers });
      assert.equal(status, 400);
      assert.match(text, /BAD_REQUEST.*API 1.*the request is for API/);
    }
  });

  it('that are no JSON, or of another shape, are refused with the place', async () => {
    assert.match((await post('/v1/releases', '{"service":')).text, /BAD_REQUEST.*not JSON/);
    assert.match((await post('/v1/releases', '[]')).text, /BAD_REQUEST.*the body/);
    assert.match((await post('/v1/releases', '{"service":7}')).text, /BAD_REQUEST.*service.*; version.*; by/);
    const more = JSON.stringify({ ...order, force: true });
    assert.match((await post('/v1/releases', more)).text, /BAD_REQUEST.*force/);
    const outside = JSON.stringify({ ...order, version: '../../etc' });
    assert.match((await post('/v1/releases', outside)).text, /BAD_REQUEST.*version/);
  });

  it('that are too large are refused, whether or not they say so before', async () => {
    const body = JSON.stringify({ ...order, by: 'x'.repeat(limits.api.bodyBytesMax) });
    const announced = { method: 'POST', path: '/v1/releases', announcedBytes: body.length };
    const answers = [rawCall(project.root, announced), post('/v1/releases', body, { chunked: true })];
    for (const { status, text } of await Promise.all(answers)) {
      assert.equal(status, 400);
      assert.match(text, /too large/);
    }
    assert.equal((await project.status()).project, 'test');
  });

  it('about what does not exist say so', async () => {
    await refused('BAD_REQUEST', project.api('GET', '/v1/nothing'));
    for (const service of ['nothing', 'constructor', '__proto__']) {
      await refused('SERVICE_UNKNOWN', project.api('POST', '/v1/plan', { ...order, service }));
      await refused('SERVICE_UNKNOWN', project.api('POST', '/v1/releases', { ...order, service }));
      await refused('SERVICE_UNKNOWN', project.api('POST', `/v1/services/${service}/rollback`, back));
    }
    await refused('RELEASE_UNKNOWN', project.api('GET', '/v1/releases/r99'));
    await refused('RELEASE_UNKNOWN', project.api('GET', '/v1/releases/r99/events'));
    await refused('BAD_REQUEST', project.api('GET', '/v1/journal?after=-1'));
    await refused('BAD_REQUEST', project.api('GET', '/v1/releases?limit=many'));
    await refused('SOURCE_MISSING', project.api('POST', '/v1/releases', order));
  });

  it('to end or take back what never was say so', async () => {
    await refused('NO_ACTIVE_RELEASE', project.abort());
    await refused('NOTHING_TO_ROLL_BACK_TO', project.rollback());
    const to = { ...back, to: 'v99' };
    await refused('VERSION_MISSING', project.api('POST', '/v1/services/web/rollback', to));
  });

  it('left nothing in the journal but that control was started', async () => {
    const kinds = new Set((await project.journal()).map(({ fact }) => fact.kind));
    assert.deepEqual([...kinds].toSorted(), ['control-started', 'gateway-started', 'routing-applied']);
  });

  it('of other users do not get through: the socket is for its owner only', async () => {
    const { mode } = await stat(path.join(project.root, '.segue/control.sock'));
    assert.equal(mode & 0o777, 0o600);
  });
});

/** Names, sizes and contents of all that Segue keeps, except what changes by itself. */
async function diskOf(project: TestProject): Promise<string[]> {
  const root = path.join(project.root, '.segue');
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !/\.(log|db-shm)$/.test(entry.name));
  const lines = files.map(async ({ parentPath, name }) => {
    const file = path.join(parentPath, name);
    const content = await readFile(file);
    return `${path.relative(root, file)} ${createHash('sha256').update(content).digest('hex')}`;
  });
  return (await Promise.all(lines)).toSorted();
}

describe('orders for releases', () => {
  let project: TestProject;
  const quick = { instances: 1, stopWithin: '1s' } as const;
  before(async () => {
    project = await TestProject.create({ ...quick, top: 'keep: { versions: 1, for: 0s }' });
    await project.up();
    for (const version of ['v1', 'v2', 'v3']) await project.build(version);
    assertEnded(await project.deploy('v1'), 'done');
  });
  after(() => project.remove());

  const plan = () =>
    project.api<PlanResponse>('POST', '/v1/plan', { ...order, version: 'v2', dir: 'builds/v2' });
  const deploy = (version: string, dir = `builds/${version}`) =>
    project.api<DeployResponse>('POST', '/v1/releases', { ...order, version, dir });

  it('a plan changes nothing: not the journal, not the disk, not what serves', async () => {
    const port = project.port;
    await project.writeFile({ ...quick, traffic: ', hold: 1s', service: '    strategy: blue-green' });
    const untouched = await diskOf(project);
    const { plan: planned, serving } = await plan();
    assert.deepEqual(
      [planned.from, planned.to, planned.strategy, serving],
      ['v1', 'v2', 'blue-green', false],
    );
    assert.deepEqual(await diskOf(project), untouched);
    assert.equal((await project.web()).listen, `http://127.0.0.1:${port}`);
    assert.equal((await project.api<PlanResponse>('POST', '/v1/plan', order)).serving, true);
    await project.writeFile({ ...quick, top: 'keep: { versions: 1, for: 0s }' });
  });

  it('for the version that serves there is nothing to do', async () => {
    assert.equal((await deploy('v1')).release, null);
  });

  it('for a known name with other content are refused with what differs', async () => {
    const files = await refused('VERSION_EXISTS', deploy('v1', 'builds/v2'));
    assert.match(files, /other files/);
    await project.writeFile({ ...quick, command: 'node ./server.mjs' });
    assert.match(await refused('VERSION_EXISTS', deploy('v1')), /another configuration/);
    await project.writeFile({ ...quick, top: 'keep: { versions: 1, for: 0s }' });
  });

  it('two at once: exactly one begins, and what came too late changes nothing', async () => {
    const orders = [deploy('v2'), deploy('v3'), deploy('v2')];
    const answers = await Promise.allSettled(orders);
    const begun = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.release] : []));
    assert.equal(begun.length, 1);
    const late = orders.filter((_, i) => answers[i]?.status === 'rejected');
    for (const answer of late) await refused('RELEASE_ACTIVE', answer);
    const release = begun[0];
    assert.ok(release);
    await refused('RELEASE_ACTIVE', deploy(release.to === 'v2' ? 'v3' : 'v2'));
    assertEnded(await project.ended(release.id), 'done');
    assert.equal((await project.web()).stable, release.to);
    if (release.to !== 'v2') assertEnded(await project.deploy('v2'), 'done');
  });

  it('old versions go, and a rollback to one of them says so', async () => {
    assertEnded(await project.deploy('v3'), 'done');
    await project.build('v4');
    assertEnded(await project.deploy('v4'), 'done');
    const kept = await readdir(path.join(project.root, '.segue/releases/web'));
    assert.deepEqual(kept.toSorted(), ['v3', 'v4']);
    const to = (version: string) =>
      project.api('POST', '/v1/services/web/rollback', { ...back, to: version });
    await refused('VERSION_MISSING', to('v1'));
    await refused('NOTHING_TO_ROLL_BACK_TO', to('v4'));
    const journal = await project.journal();
    const removed = journal.filter(({ fact }) => fact.kind === 'version-removed');
    assert.deepEqual(
      removed.flatMap(({ fact }) => (fact.kind === 'version-removed' ? [fact.version] : [])),
      ['v1', 'v2'],
    );
    assert.ok(removed.every(({ release, service }) => release !== null && service === 'web'));
  });

  it('while one is past its point of no return it cannot be aborted, nor another one begin', async () => {
    await project.build('deaf', { ignoresSigterm: true });
    assertEnded(await project.deploy('deaf'), 'done');
    await project.build('next');
    const id = await project.begin('next');
    const promoted = await project.eventually(async () => (await project.web()).stable === 'next');
    assert.ok(promoted);
    assert.match(await refused('NO_ACTIVE_RELEASE', project.abort()), /promoted/);
    await refused('RELEASE_ACTIVE', project.rollback());
    await refused('RELEASE_ACTIVE', deploy('v4'));
    assertEnded(await project.ended(id), 'done');
  });

  it('a rollback to another version than the one before is not an abort', async () => {
    await project.writeFile({ ...quick, service: '    strategy: { type: blue-green, bake: 60s }' });
    await project.build('last');
    const id = await project.begin('last');
    const to = { ...back, to: 'deaf' };
    await refused('RELEASE_ACTIVE', project.api('POST', '/v1/services/web/rollback', to));
    assertEnded(await project.rollback(), 'rolled-back');
    assertEnded(await project.ended(id), 'rolled-back');
    assert.equal((await project.web()).stable, 'next');
  });
});

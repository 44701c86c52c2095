/**
 * Hunts an edit of segue.yaml that takes down what serves: a broken file, another address, a service that left
 * it or came into it.
 */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { ApplyResponse, DeployResponse } from '../../src/wire/api.ts';
import { assertEnded } from '../support/outcome.ts';
import { instancesUnder } from '../support/processes.ts';
import { refused } from '../support/refused.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import { somePort } from '../contract/some-port.ts';
import { TestProject } from '../support/test-project.ts';

describe('segue.yaml, applied', () => {
  let project: TestProject;
  before(async () => {
    project = await TestProject.create({ instances: 2 });
    await project.up();
    await project.build('v1');
    assertEnded(await project.deploy('v1'), 'done');
  });
  after(() => project.remove());

  const apply = () => project.api<ApplyResponse>('POST', '/v1/apply', { by: 'test' });
  const ask = (port: number, headers: Record<string, string> = {}) =>
    rawHttp(port, headers).then(({ status }) => status);

  it('broken or gone, it changes nothing', async () => {
    const file = path.join(project.root, 'segue.yaml');
    const good = await readFile(file, 'utf8');
    await writeFile(file, `${good}\nnonsense: true\n`);
    await refused('FILE_INVALID', apply());
    await refused('FILE_INVALID', project.begin('v1'));
    assert.ok(await project.allServe());
    await rm(file);
    await refused('FILE_MISSING', apply());
    assert.equal(await ask(project.port), 200);
    await writeFile(file, good);
  });

  it('drain, hold and routes change under load without a lost request', async (t) => {
    const load = steadyLoad(t, project.port);
    for (const traffic of [', hold: 1s', ', routes: [{ path: / }, { path: /api }]', '']) {
      await project.writeFile({ traffic, drain: '{ requests: 7s, streams: 2s }' });
      await apply();
    }
    await assertClean(load);
    await project.writeFile({ traffic: ', routes: [{ host: shop.test }]' });
    await apply();
    assert.equal(await ask(project.port), 404);
    assert.equal(await ask(project.port, { host: 'shop.test' }), 200);
    await project.writeFile({});
    await apply();
  });

  it('another address is open before the old one closes, and what is under way there ends', async () => {
    const slow = rawHttp(project.port, {}, '/?ms=500');
    await project.eventually(async () => (await project.web()).instances.some((i) => i.inFlight > 0));
    const text = await readFile(path.join(project.root, 'segue.yaml'), 'utf8');
    const other = await somePort();
    await writeFile(path.join(project.root, 'segue.yaml'), text.replace(`:${project.port}"`, `:${other}"`));
    const { services } = await apply();
    assert.equal(services[0]?.listen, `http://127.0.0.1:${other}`);
    assert.equal(await ask(other), 200);
    assert.equal((await slow).status, 200);
    await assert.rejects(ask(project.port), { code: 'ECONNREFUSED' });
    await project.writeFile({});
    await apply();
    assert.equal(await ask(project.port), 200);
  });

  it('another number of instances waits for the next release, and is said', async () => {
    await project.writeFile({ instances: 3 });
    const { services } = await apply();
    assert.deepEqual(services[0]?.notes, ['2 instances now, 3 with the next release']);
    await project.writeFile({});
    await apply();
  });

  it('a service that is new in it gets its address; one that left it serves on until down and up', async () => {
    const port = await somePort();
    const api = `  api:
    run: { command: node server.mjs, stop: { within: 1s } }
    instances: 1
    traffic: { listen: "127.0.0.1:${port}" }
    health: { readiness: { path: /ready, interval: 100ms } }`;
    await project.writeFile({ service: api });
    assert.deepEqual(
      (await apply()).services.map((s) => [s.name, s.stable]),
      [
        ['web', 'v1'],
        ['api', null],
      ],
    );
    const order = { service: 'api', version: 'v1', dir: 'builds/v1', by: 'test' };
    const { release } = await project.api<DeployResponse>('POST', '/v1/releases', order);
    assert.ok(release);
    assertEnded(await project.ended(release.id), 'done');
    assert.equal(await ask(port), 200);

    await project.writeFile({});
    const notes = (await apply()).services.find(({ name }) => name === 'api')?.notes;
    assert.match(notes?.join() ?? '', /not in segue.yaml/);
    assert.equal(await ask(port), 200);
    assert.deepEqual(
      (await project.status()).services.map((s) => s.name),
      ['web', 'api'],
    );
    await refused('SERVICE_UNKNOWN', project.api('POST', '/v1/releases', { ...order, version: 'v2' }));

    await project.down();
    await project.up();
    assert.ok(await project.eventually(() => project.allServe()));
    assert.deepEqual(
      (await project.status()).services.map((s) => s.name),
      ['web'],
    );
    assert.equal((await instancesUnder(project.root)).length, 2);
    await assert.rejects(ask(port), { code: 'ECONNREFUSED' });
  });
});

/** One request on a connection of its own. */
function rawHttp(
  port: number,
  headers: Record<string, string> = {},
  url = '/',
): Promise<{ readonly status: number }> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path: url, headers, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve({ status: response.statusCode ?? 0 }));
    });
    call.on('error', reject);
    call.end();
  });
}

/**
 * Hunts direct mode that loses its users when the gateway, which carries none of their requests, is replaced by newer
 * code or killed: instances hold the public socket, and the next gateway has to have it, too.
 */
import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { cli, endCli } from '../support/cli.ts';
import { causeOf } from '../../src/core/release/records.ts';
import { outcomeOf } from '../support/outcome.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import { TestProject } from '../support/test-project.ts';

const HELPER = new URL('../../src/direct/index.ts', import.meta.url).href;
const APP = path.join(import.meta.dirname, '../support/direct-app.mjs');

describe('direct mode, and a gateway that goes', () => {
  let project: TestProject;
  before(async () => {
    project = await TestProject.create({
      instances: 2,
      traffic: ', mode: direct',
      command: `env DIRECT_HELPER=${HELPER} node server.mjs`,
      service: '    strategy: rolling',
    });
    await project.up();
    assert.equal(outcomeOf(await release('v1')), 'done');
  });
  after(async () => {
    endCli();
    await project.remove();
  });

  async function release(version: string) {
    await copyFile(APP, path.join(await project.build(version, {}), 'server.mjs'));
    return project.deploy(version);
  }

  it('is upgraded under load, and the next release finds its instances', async (t) => {
    const load = steadyLoad(t, project.port);
    const { pid } = (await project.status()).gateway;
    const { exitCode, err } = await cli(project.root, ['up', '--renew-gateway', '--json']);
    assert.equal(exitCode, 0, err);
    assert.notEqual((await project.status()).gateway.pid, pid);
    assert.equal(outcomeOf(await release('v2')), 'done');
    assert.equal(outcomeOf(await project.rollback()), 'done');
    const { versions } = await assertClean(load);
    assert.deepEqual(Object.keys(versions).toSorted(), ['v1', 'v2']);
  });

  it('is killed under load: nobody notices, and what cannot be released says why', async (t) => {
    const load = steadyLoad(t, project.port);
    const { pid } = (await project.status()).gateway;
    assert.ok(pid !== null);
    process.kill(pid, 'SIGKILL');
    const next = await project.eventually(async () => {
      const { gateway } = await project.status();
      return gateway.pid !== null && gateway.pid !== pid;
    });
    assert.ok(next, 'another one runs');
    const more = load.stats().answered + 200;
    assert.ok(await project.eventually(async () => load.stats().answered >= more));
    const refused = await release('v3');
    assert.equal(outcomeOf(refused), 'rolled-back');
    assert.equal(causeOf(refused)?.code, 'DIRECT_SOCKET_LOST');
    await assertClean(load);
    await project.down();
    await project.up();
    assert.ok(await project.eventually(() => project.allServe()));
    assert.equal(outcomeOf(await release('v4')), 'done');
  });
});

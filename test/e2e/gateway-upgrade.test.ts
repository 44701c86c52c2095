/**
 * Row 12 of the loss table: a second upgrade of the gateway while the first one's connections still drain must not
 * end the eldest. Requests, uploads, WebSockets and event streams go through three upgrades in a row, asked for as
 * users do, and through a release after them.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { writeShop } from '../load/shop.ts';
import type { Load } from '../load/summary.ts';
import { cli, endCli } from '../support/cli.ts';
import { assertEnded } from '../support/outcome.ts';
import { assertClean, loadOf, steadyLoad } from '../support/steady-load.ts';
import { TestProject } from '../support/test-project.ts';

const EACH = 5;

describe('row 12: the gateway is upgraded again and again', () => {
  let project: TestProject;
  before(async () => {
    project = await TestProject.create({
      command: 'SHOP_DATA=../data exec node server.js',
      readiness: '/readyz',
      service: '    strategy: { type: blue-green, bake: 0s }',
    });
    await project.up();
    await release('v1');
  });
  after(async () => {
    endCli();
    await project.remove();
  });

  async function release(version: string): Promise<void> {
    const dir = path.join(project.root, 'builds', version);
    await writeShop(dir, { name: version });
    assertEnded(await project.deploy(version), 'done');
  }

  const allOpen = (load: Load): boolean => {
    const { websocket, sse } = load.stats().streams;
    return websocket.open === EACH && sse.open === EACH;
  };

  it('and no request, no stream and no count is lost', async (t) => {
    const plain = steadyLoad(t, project.port);
    const streams = loadOf(t, project.port, { websocket: { count: EACH }, sse: { count: EACH } });
    assert.ok(await project.eventually(() => allOpen(streams)), 'every stream is open');
    const pids = new Set<unknown>();
    for (let upgrade = 0; upgrade < 3; upgrade += 1) {
      const { exitCode, out, err } = await cli(project.root, ['up', '--renew-gateway', '--json']);
      assert.equal(exitCode, 0, err);
      assert.match(out, /"gatewayRenewed": ?true/);
      pids.add((await project.status()).gateway.pid);
    }
    assert.equal(pids.size, 3);
    await release('v2');
    assert.ok(await project.eventually(() => allOpen(streams)), 'all streams came back');
    await assertClean(plain);
    const { websocket, sse } = (await assertClean(streams, 0)).streams;
    for (const counts of [websocket, sse]) {
      assert.equal(counts.broken, 0);
      assert.equal(counts.told, counts.reconnected);
    }
    const onlyOwn = async () => (await project.status()).gateway.workers.every((w) => w.stage === 'serving');
    assert.ok(await project.eventually(onlyOwn, 100_000), 'the older ones are gone');
  });

  it('and down ends all of it', async () => {
    await project.down();
    assert.match(await project.log('gateway'), /stopped\n$/);
  });
});

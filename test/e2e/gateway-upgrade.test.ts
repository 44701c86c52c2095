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
import { assertClean, loadOf, shopLoad } from '../support/steady-load.ts';
import { TestProject } from '../support/test-project.ts';
import { beginUpload } from '../support/upload.ts';

const EACH = 5;
type Upload = ReturnType<typeof beginUpload>;

describe('row 12: the gateway is upgraded again and again', () => {
  let project: TestProject;
  before(async () => {
    project = await TestProject.create({
      command: 'SHOP_DATA=../data exec node server.js',
      readiness: '/readyz',
      service: '    strategy: { type: blue-green, bake: 0s }',
      // The uploads send nothing for as long as it takes.
      traffic: ', timeouts: { body: 10m }',
    });
    await project.up();
    await release('v1');
  });
  after(async () => {
    endCli();
    await project.remove();
  });

  /** Resolves with the release. */
  async function begin(version: string): Promise<string> {
    const dir = path.join(project.root, 'builds', version);
    await writeShop(dir, { name: version });
    return project.begin(version);
  }

  const release = async (version: string) => assertEnded(await project.ended(await begin(version)), 'done');

  const allOpen = (load: Load): boolean => {
    const { websocket, sse } = load.stats().streams;
    return websocket.open === EACH && sse.open === EACH;
  };

  it('and no request, no stream and no count is lost', async (t) => {
    const plain = shopLoad(t, project.port);
    const streams = loadOf(t, project.port, { websocket: { count: EACH }, sse: { count: EACH } });
    assert.ok(await project.eventually(() => allOpen(streams)), 'every stream is open');
    const pids = new Set<unknown>();
    const uploads: Upload[] = [];
    for (let upgrade = 0; upgrade < 3; upgrade += 1) {
      // One for each generation, so that none of them has nothing left.
      const upload = beginUpload(t, project.port, '/upload');
      await upload.begun;
      uploads.push(upload);
      const { exitCode, out, err } = await cli(project.root, ['up', '--renew-gateway', '--json']);
      assert.equal(exitCode, 0, err);
      assert.match(out, /"gatewayRenewed": ?true/);
      pids.add((await project.status()).gateway.pid);
    }
    assert.equal(pids.size, 3);
    const released = await begin('v2');
    const drains = async () => (await project.web()).release?.step?.startsWith('drain') ?? false;
    assert.ok(await project.eventually(drains));
    for (const upload of uploads) assert.match(await upload.end(), /"size":10\b/);
    assertEnded(await project.ended(released), 'done');
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

/**
 * Rows 11 and 14 of the loss table: a change that does not concern them cuts streams; a shutdown forgets connections
 * which stopped being HTTP. WebSockets and event streams do not notice a change of segue.yaml. Those that are open
 * during a release are told to reconnect and do, none is cut, and one that stays is counted: its instance is not
 * stopped before the limit of streams.
 */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { somePort } from '../contract/some-port.ts';
import type { ReleaseRecord } from '../../src/core/release/records.ts';
import { writeShop } from '../load/shop.ts';
import type { Load } from '../load/summary.ts';
import { assertEnded } from '../support/outcome.ts';
import { assertClean, loadOf, shopLoad } from '../support/steady-load.ts';
import { TestProject } from '../support/test-project.ts';

const EACH = 5;
const SHOP = {
  command: 'SHOP_DATA=../data exec node server.js',
  readiness: '/readyz',
  service: '    strategy: { type: blue-green, bake: 0s }',
};

describe('rows 11 and 14: WebSockets and event streams', () => {
  let project: TestProject;
  before(async () => {
    project = await TestProject.create(SHOP);
    await project.up();
    await release('v1');
  });
  after(() => project.remove());

  async function release(version: string): Promise<ReleaseRecord> {
    const dir = path.join(project.root, 'builds', version);
    await writeShop(dir, { name: version });
    const ended = await project.deploy(version);
    assertEnded(ended, 'done');
    return ended;
  }

  async function streams(t: TestContext): Promise<Load> {
    const load = loadOf(t, project.port, { websocket: { count: EACH }, sse: { count: EACH } });
    assert.ok(await project.eventually(() => allOpen(load)), 'every stream is open');
    return load;
  }

  const allOpen = (load: Load): boolean => {
    const { websocket, sse } = load.stats().streams;
    return websocket.open === EACH && sse.open === EACH;
  };

  it('of an instance that is killed are cut, and the clients see it', async (t) => {
    const load = await streams(t);
    const { pid } = (await project.web()).instances[0] ?? {};
    assert.ok(pid);
    process.kill(pid, 'SIGKILL');
    const cut = () => load.stats().streams.websocket.broken + load.stats().streams.sse.broken;
    assert.ok(await project.eventually(() => cut() > 0));
    await load.stop();
    const replaced = async () => (await project.web()).instances.every((i) => i.pid !== pid);
    assert.ok(await project.eventually(async () => (await replaced()) && (await project.allServe())));
  });

  it('stay as they are while segue.yaml changes in what does not concern them', async (t) => {
    const load = await streams(t);
    const other = `  other:\n    run: node server.js\n    traffic: { listen: "127.0.0.1:${await somePort()}" }\n`;
    // With another address there are other workers, and those that have the streams go on for them.
    for (const change of [{ top: other }, { top: other, traffic: ', hold: 3s' }, {}]) {
      await project.writeFile({ ...SHOP, ...change });
      await project.api('POST', '/v1/apply', { by: 'test' });
      const { websocket, sse } = load.stats().streams;
      const goOn = () => {
        const now = load.stats().streams;
        return now.websocket.messages > websocket.messages + EACH && now.sse.messages > sse.messages + EACH;
      };
      assert.ok(await project.eventually(goOn), 'they go on');
    }
    const { websocket, sse } = (await assertClean(load, 0)).streams;
    for (const counts of [websocket, sse])
      assert.deepEqual([counts.opened, counts.told, counts.reconnected, counts.broken], [EACH, 0, 0, 0]);
  });

  it('are told to reconnect during a release, do so, and none is cut', async (t) => {
    const plain = shopLoad(t, project.port);
    const load = await streams(t);
    await release('v2');
    assert.ok(await project.eventually(() => allOpen(load)), 'all of them came back');
    await assertClean(plain);
    const { websocket, sse } = (await assertClean(load, 0)).streams;
    for (const counts of [websocket, sse])
      assert.deepEqual([counts.told, counts.reconnected, counts.broken], [EACH, EACH, 0]);
  });

  it('that do not leave are waited for, up to their limit', async (t) => {
    await project.writeFile({ ...SHOP, drain: '{ requests: 60s, streams: 1s }' });
    const stubborn = await openStubborn(project.port);
    t.after(() => stubborn.destroy());
    assert.ok(await project.eventually(async () => (await streamsOf(project)) === 1));
    const { id } = await release('v3');
    const { entries } = await project.release(id);
    const begun = (kind: string) =>
      entries.find(({ fact }) => fact.kind === 'step-started' && fact.step.kind === kind)?.atMs ?? NaN;
    const waitedMs = begun('stop') - begun('drain');
    assert.ok(waitedMs >= 900, `the limit of streams is 1s, it was stopped after ${waitedMs} ms`);
    assert.equal(await streamsOf(project), 0);
  });
});

async function streamsOf(project: TestProject): Promise<number> {
  return (await project.web()).instances.reduce((sum, instance) => sum + instance.streams, 0);
}

/** A WebSocket whose client answers nothing, not even a close frame. */
function openStubborn(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  const fields = ['Host: shop', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'];
  const key = `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}`;
  socket.write(`GET /live HTTP/1.1\r\n${[...fields, key].join('\r\n')}\r\n\r\n`);
  return new Promise((resolve, reject) => {
    socket.once('close', () => reject(new Error('the WebSocket was refused')));
    socket.once('data', (chunk) => {
      assert.match(chunk.toString('latin1'), /^HTTP\/1\.1 101 /);
      resolve(socket);
    });
  });
}

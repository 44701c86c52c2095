/**
 * Hunts a gateway that runs out of descriptors while two versions are up: connections reset before a word, no way
 * to the instances, or an end of the process. Without a limit of its own it fails here with all of them.
 */
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../contract/eventually.ts';
import { startLoad } from '../load/load.ts';
import { backendOf, type Harness, RawClient, startApp, startGateway } from './gateway-harness.ts';
import { workerPids } from './gateway-memory.ts';
import { program } from '../support/program.ts';

const DESCRIPTORS = 220;
/** What is left for clients (src/gateway/descriptors.ts), and how many of them an attacker would have. */
const CLIENTS = 52;
const CROWD = 300;
const MAIN = program('test/integration/fixtures/few-descriptors-gateway.ts');

async function startNarrow(t: TestContext): Promise<Harness> {
  process.env['TEST_DESCRIPTORS'] = String(DESCRIPTORS);
  const gateway = await startGateway(t, {}, MAIN);
  delete process.env['TEST_DESCRIPTORS'];
  return gateway;
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

test('idle clients make room for those who want something, through a cut-over', async (t) => {
  const gateway = await startNarrow(t);
  const apps = [await startApp(t, 'old'), await startApp(t, 'new')];
  const [from, to] = apps.map(backendOf);
  assert.ok(from && to);
  await gateway.route({ backends: [from] });
  const load = startLoad({
    target: { host: '127.0.0.1', port: gateway.port },
    clients: [
      { kind: 'keep-alive', method: 'POST', path: '/', body: 'x', count: 12, thinkMs: 1 },
      { kind: 'per-request', method: 'GET', path: '/', count: 4, thinkMs: 5 },
    ],
  });
  t.after(() => load.stop());
  const crowd: RawClient[] = [];
  for (let i = 0; i < CROWD; i += 1) {
    const client = new RawClient(t, gateway.port);
    crowd.push(client);
    // Some have been served before, as a browser that stays; nobody is there for longer than the load's own.
    if (i % 10 === 0) {
      client.send(GET);
      await client.until((text) => /old$|new$/.test(text), 'answered');
    }
    // Faster than this nobody has been idle for long enough, and new ones are turned away instead.
    if (i % 10 === 9) await sleep(200);
    if (i % 50 === 0)
      await gateway.route({
        backends: i % 100 === 0 ? [from, to] : [to],
        draining: i % 100 === 0 ? [] : [{ id: from.id, requestsMs: 5_000, streamsMs: 5_000 }],
      });
  }
  await eventually('the crowd gave way', () => crowd.filter(({ ended }) => ended).length >= CROWD - CLIENTS);
  const { answered } = load.stats();
  await eventually('the others are served on', () => load.stats().answered >= answered + 200);
  const { failures } = await load.stop();
  assert.deepEqual(failures, []);
  for (const pid of await workerPids(gateway))
    assert.ok((await fs.readdir(`/proc/${pid}/fd`)).length < DESCRIPTORS);
});

test('where all are at work the next one hears so, and those at work are answered', async (t) => {
  const gateway = await startNarrow(t);
  let finish: (() => void)[] = [];
  const app = await startApp(t, 'slow', (_, res) => finish.push(() => res.end('done')));
  await gateway.route({ backends: [backendOf(app)] });
  const busy = Array.from({ length: CLIENTS }, () => new RawClient(t, gateway.port));
  for (const client of busy) client.send(GET);
  await eventually('all are under way', () => finish.length === CLIENTS);
  const one = new RawClient(t, gateway.port);
  assert.match(await one.untilEnd(), /^HTTP\/1\.1 503 [^]*Segue-Error: no-room\r\n[^]*Retry-After: 1\r\n/);
  for (const end of finish) end();
  finish = [];
  for (const client of busy) await client.until((text) => text.endsWith('done'), 'answered');
  // Once one of them has been idle for a moment.
  await eventually('there is room again', () => {
    new RawClient(t, gateway.port).send(GET);
    return finish.length > 0;
  });
});

/**
 * Hunts HTTP/2 streams that get lost when their session ends: every one is answered, or refused unprocessed by the
 * protocol's own word, and nothing is sent twice that was processed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../contract/eventually.ts';
import { startLoad } from '../load/load.ts';
import { backendOf, startApp, startGateway } from './gateway-harness.ts';

test('upgrades under a load of HTTP/2 streams lose none', async (t) => {
  const gateway = await startGateway(t, { workers: 2 });
  let processed = 0;
  const app = await startApp(t, 'a', (req, res) => {
    processed += 1;
    let size = 0;
    req.on('data', (chunk: Buffer) => (size += chunk.length));
    req.on('end', () => res.end(`Shop {"size":${size}}`));
  });
  await gateway.route({ backends: [backendOf(app)] });
  const load = startLoad({
    target: { host: '127.0.0.1', port: gateway.port },
    http2: { count: 8, streams: 8 },
  });
  t.after(() => load.stop());
  for (let upgrades = 0; upgrades < 4; upgrades += 1) {
    const { answered } = load.stats();
    await eventually('load is on', () => load.stats().answered > answered + 200);
    assert.equal(await gateway.plane.upgrade(true), true);
  }
  await eventually('the old ones are gone', () => gateway.plane.workers.length === 2);
  const { failures, answered } = await load.stop();
  assert.deepEqual(failures.slice(0, 3), [], `${failures.length} lost`);
  assert.equal(processed, answered, 'each once');
});

/**
 * The main job on a program that nobody here wrote: Node-RED 4.0.9 -> 4.1.0 -> back, two versions sharing one
 * user folder, while its flows' endpoints, its editor's page and its editor's WebSocket are in use. Hunts a
 * failed request, a cut WebSocket and an answered order that was not written.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { it } from 'node:test';
import { startLoad } from '../load/load.ts';
import { nodeRed, writeUserFolder } from '../support/node-red.ts';
import { TestProject } from '../support/test-project.ts';

it('Node-RED is released and rolled back, and nobody notices', { timeout: 420_000 }, async (t) => {
  const [old, fresh] = [await nodeRed('4.0.9'), await nodeRed('4.1.0')];
  if ('missing' in old) return t.skip(`Node-RED: ${old.missing}`);
  if ('missing' in fresh) return t.skip(`Node-RED: ${fresh.missing}`);

  const project = await TestProject.create();
  t.after(() => project.remove());
  const { settings, orders } = await writeUserFolder(path.join(project.root, 'user'));
  const userDir = path.dirname(settings);
  await project.writeFile({
    // Node-RED writes its user folder as it starts: two of one version, started at once, would race for it.
    instances: 1,
    command: `"node node_modules/node-red/red.js --userDir ${userDir} --settings ${settings} --port $PORT"`,
    service: `    strategy: { type: rolling, surge: 1 }
    smoke: [{ get: /, expect: { status: 200, contains: Node-RED } }, { get: /hello, expect: { contains: hello } }]`,
    readiness: '/hello',
  });
  await project.up();
  const outcome = async (version: string, dir: string) => (await project.deploy(version, dir)).state;
  assert.deepEqual(await outcome('4.0.9', old.dir), { phase: 'ended', outcome: 'done', cause: null });

  const load = startLoad({
    target: { host: '127.0.0.1', port: project.port },
    versionHeader: 'x-version',
    clients: [
      {
        kind: 'keep-alive',
        method: 'GET',
        path: '/hello',
        count: 2,
        thinkMs: 10,
        expect: { contains: 'hello' },
      },
      {
        kind: 'per-request',
        method: 'GET',
        path: '/',
        count: 1,
        thinkMs: 50,
        expect: { contains: 'Node-RED' },
      },
    ],
    websocket: { count: 2, path: '/comms', echoEveryMs: null },
  });
  // Orders have a load of their own, so that they can be counted against what was written.
  const orderers = startLoad({
    target: { host: '127.0.0.1', port: project.port },
    clients: [
      {
        ...{
          kind: 'keep-alive',
          method: 'POST',
          path: '/orders',
          body: '{"id":"order"}',
          count: 2,
          thinkMs: 20,
        },
        headers: { 'content-type': 'application/json' },
      },
    ],
  });
  assert.deepEqual(await outcome('4.1.0', fresh.dir), { phase: 'ended', outcome: 'done', cause: null });
  assert.deepEqual((await project.rollback()).state, { phase: 'ended', outcome: 'done', cause: null });
  const posted = await orderers.stop();
  const summary = await load.stop();

  assert.deepEqual(summary.failures, []);
  assert.equal(summary.clean, true);
  assert.ok((summary.versions['4.0.9']?.requests ?? 0) > 0 && (summary.versions['4.1.0']?.requests ?? 0) > 0);
  assert.ok(summary.streams.websocket.told > 0, 'editors were told to reconnect');
  const written = (await readFile(orders, 'utf8')).trim().split('\n').length;
  assert.equal(posted.failed, 0, 'no order failed');
  assert.equal(written, posted.answered, 'every order was written once');
  t.diagnostic(
    `${summary.answered} requests answered, ${written} orders, ${summary.streams.websocket.told} editors reconnected`,
  );
});

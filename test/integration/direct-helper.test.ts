/**
 * Hunts a helper that only works where it was written: on another Node, as it is published, without Segue around it,
 * with WebSockets.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { WebSocket } from 'ws';
import { eventually } from '../contract/eventually.ts';
import { root } from '../support/repository.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import { somePort } from '../contract/some-port.ts';
import { DirectSite } from './direct-harness.ts';

const APP = fileURLToPath(new URL('../support/direct-app.mjs', import.meta.url));
const ECHO = fileURLToPath(new URL('fixtures/direct-echo.ts', import.meta.url));
const HELPER = new URL('../../src/direct/index.ts', import.meta.url).href;
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** This Node, and another one that is installed on the machine. */
function nodes(): readonly string[] {
  const others = ['/usr/bin/node', '/usr/local/bin/node'].filter(
    (file) => existsSync(file) && spawnSync(file, ['-e', '']).status === 0,
  );
  return [process.execPath, ...others];
}

async function helperAsPublished(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'segue-helper-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const tsc = path.join(root, 'node_modules', '.bin', 'tsc');
  const info = path.join(folder, 'info');
  execFileSync(tsc, ['-p', path.join(root, 'src/direct'), '--outDir', folder, '--tsBuildInfoFile', info]);
  return pathToFileURL(path.join(folder, 'direct', 'index.js')).href;
}

describe('the helper as it is published', () => {
  it('is where package.json says', async () => {
    const { exports } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
    assert.equal(exports['./direct'].default, './dist/direct/index.js');
  });

  it('works on each Node of this machine', async (t) => {
    const helper = await helperAsPublished(t);
    const site = await DirectSite.open(t);
    for (const node of nodes()) {
      const choices = { command: [node, APP], env: { DIRECT_HELPER: helper } } as const;
      const [first, second] = [await site.start('v1', choices), await site.start('v2', choices)];
      await site.accept([first]);
      const load = steadyLoad(t, site.port);
      await site.accept([second]);
      await site.retire(first);
      await assertClean(load);
      await site.accept([]);
      await site.retire(second);
    }
  });
});

describe('the helper without direct mode', () => {
  let port: number;
  before(async () => (port = await somePort()));

  it('listens on PORT, and ends without losing the request of an idle connection', async (t) => {
    const env = { ...process.env, PORT: String(port), DIRECT_HELPER: HELPER, SEGUE_VERSION: 'v1' };
    const app = spawn(process.execPath, [APP], { env, stdio: 'ignore' });
    t.after(() => app.kill('SIGKILL'));
    const exited = once(app, 'exit');
    await eventually('it listens', () =>
      fetch(`http://127.0.0.1:${port}/`).then(
        (answer) => answer.ok,
        () => false,
      ),
    );
    const client = net.connect(port, '127.0.0.1');
    t.after(() => client.destroy());
    let text = '';
    client.on('data', (chunk: Buffer) => (text += chunk.toString()));
    client.write(GET);
    await eventually('it is answered', () => text.includes('version v1'));
    app.kill('SIGTERM');
    await eventually('it takes no new connections', () => isRefused(port));
    text = '';
    client.write(GET);
    await eventually('it is answered once more', () => text.includes('version v1'));
    assert.match(text, /connection: close/i);
    assert.deepEqual(await exited, [0, null]);
  });
});

function isRefused(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });
}

describe('WebSockets in direct mode', () => {
  async function connected(t: TestContext, env: Record<string, string>) {
    const site = await DirectSite.open(t);
    const instance = await site.start('v1', { command: [process.execPath, ECHO], env });
    await site.accept([instance]);
    const client = new WebSocket(`ws://127.0.0.1:${site.port}/`);
    t.after(() => client.terminate());
    await once(client, 'open');
    await eventually('it is counted', () => site.running(instance) === 1);
    return { site, instance, client };
  }

  it('go on when their instance leaves traffic, and keep it from being drained', async (t) => {
    const { site, instance, client } = await connected(t, {});
    await site.accept([]);
    assert.equal(site.running(instance), 1);
    // For longer than an idle connection is kept.
    for (let beat = 0; beat < 20; beat += 1) {
      client.send('hello');
      const [data] = await once(client, 'message');
      assert.equal(String(data), 'hello');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.deepEqual(
      site.keeper.counts.map(({ inFlight, streams }) => [inFlight, streams]),
      [[0, 1]],
    );
    client.close();
    await eventually('it is drained', () => site.running(instance) === 0);
  });

  it('can be told to reconnect', async (t) => {
    const { site, instance, client } = await connected(t, { TELLS: '1' });
    const closed = once(client, 'close');
    await site.accept([]);
    assert.equal((await closed)[0], 1012);
    await site.retire(instance);
    const log = await readFile(path.join(site.folder, `${instance.id}.log`), 'utf8');
    assert.match(log, /stopped in order/);
  });
});

/** Hunts a request that the access log leaves out, tells twice or tells wrongly, and a log that costs requests. */
import assert from 'node:assert/strict';
import fs from 'node:fs/promises';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { ACCESS_LOG } from '../../src/wire/paths.ts';
import { eventually } from '../contract/eventually.ts';
import { somePort } from '../contract/some-port.ts';
import {
  ask,
  backendOf,
  RawClient,
  startApp,
  startGateway,
  startRaw,
  type Harness,
} from './gateway-harness.ts';

const ALL = { accessLog: { samplePercent: 100, query: false } };

async function linesOf({ root }: Harness): Promise<Record<string, unknown>[]> {
  const text = await fs.readFile(path.join(root, ACCESS_LOG), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

const logged = (gateway: Harness, count: number) =>
  eventually(`${count} lines are written`, async () => {
    const lines = await linesOf(gateway);
    return lines.length >= count ? lines : null;
  });

async function withApp(t: TestContext, settings: Parameters<typeof startGateway>[1]) {
  const gateway = await startGateway(t, settings);
  const app = await startApp(t, 'a', (req, res) => {
    res.statusCode = req.url === '/bad' ? 500 : 200;
    req.resume().once('end', () => res.end('hello'));
  });
  await gateway.route({ backends: [backendOf(app)] });
  return gateway;
}

test('a request is one line: what it asked, who answered, how it went, and no secret of its query', async (t) => {
  const gateway = await withApp(t, ALL);
  await ask(gateway.port, {
    method: 'POST',
    path: '/a/b?token=secret',
    headers: {
      host: 'Shop.example:80',
      'user-agent': 'a "browser"\t1',
      'x-request-id': 'request-of-a-proxy',
    },
    body: 'four',
  });
  const lines = await logged(gateway, 1);
  const [line] = lines;
  assert.equal(lines.length, 1);
  const { time, durationMs, bytesIn, bytesOut, ...rest } = line ?? {};
  assert.deepEqual(rest, {
    ...{ service: 'web', version: 'v1', instance: 'a', routing: 1, client: '127.0.0.1', method: 'POST' },
    ...{ host: 'shop.example', path: '/a/b', status: 200, outcome: 'answered', heldMs: 0, retries: 0 },
    ...{ requestId: 'request-of-a-proxy', userAgent: 'a "browser"\t1' },
  });
  assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
  assert.ok(Number(durationMs) > 0 && Number(bytesIn) > 100 && Number(bytesOut) > 100);
  assert.ok(!JSON.stringify(line).includes('secret'));
});

test('what the gateway answers where plain HTTP is led to https is a line, too', async (t) => {
  const plain = await somePort();
  const challenges = [{ token: 'token', answer: 'answer' }];
  const redirect = { host: '127.0.0.1', port: plain };
  const gateway = await withApp(t, { ...ALL, challenges, redirect });
  const at = '/.well-known/acme-challenge/token';
  assert.equal((await ask(plain, { path: at })).body.toString(), 'answer');
  const [line] = await logged(gateway, 1);
  const { path: asked, status, outcome, service } = line ?? {};
  assert.deepEqual(
    { asked, status, outcome, service },
    { asked: at, status: 200, outcome: 'challenge', service: null },
  );
});

test('client and id are those that the instance was told, and nothing that a stranger made up', async (t) => {
  const headers = { 'x-forwarded-for': '203.0.113.9', 'x-request-id': 'made-up-by-a-client' };
  const seen: unknown[] = [];
  for (const trust of [['127.0.0.0/8'], ['10.0.0.0/8']]) {
    const gateway = await startGateway(t, { ...ALL, trust });
    const app = await startApp(t, 'a', (req, res) => {
      seen.push(req.headers['x-request-id']);
      res.end();
    });
    await gateway.route({ backends: [backendOf(app)] });
    await ask(gateway.port, { headers });
    const [line] = await logged(gateway, 1);
    assert.equal(line?.['requestId'], seen.at(-1));
    assert.equal(line?.['client'], trust[0] === '127.0.0.0/8' ? '203.0.113.9' : '127.0.0.1');
  }
  assert.equal(seen[0], 'made-up-by-a-client');
  assert.notEqual(seen[1], 'made-up-by-a-client');
});

test('however a request ends, it is one line', async (t) => {
  const gateway = await startGateway(t, { accessLog: { samplePercent: 100, query: true } });
  const cutter = await startRaw(t, 'cutter', (socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf')),
  );
  const silent = await startRaw(t, 'silent', () => undefined);
  const host = 'Host: x\r\n';
  const send = (head: string) => {
    const client = new RawClient(t, gateway.port);
    client.send(`${head}\r\n${host}\r\n`);
    return client;
  };
  await gateway.route({ backends: [backendOf(cutter)] });
  await send('GET /cut?a=1 HTTP/1.1').untilEnd();
  await gateway.route({ backends: [backendOf(silent)] });
  const leaver = send('GET /left HTTP/1.1');
  await eventually('it is under way', () => gateway.counts('silent')?.inFlight === 1);
  leaver.socket.destroy();
  await gateway.route({ backends: [], hold: { forMs: 50, requestsMax: 1 } });
  await ask(gateway.port, { path: '/held' });
  await gateway.route({ routes: [{ host: 'other.example', path: '/' }] });
  await ask(gateway.port, { path: '/nowhere' });
  const lines = await logged(gateway, 4);
  const told = lines.map(({ path: at, query, outcome, status, instance }) => [
    at,
    query,
    outcome,
    status,
    instance,
  ]);
  assert.deepEqual(
    told.toSorted((a, b) => String(a[0]).localeCompare(String(b[0]))),
    [
      ['/cut', 'a=1', 'broken', 200, 'cutter'],
      ['/held', undefined, 'no-instance', 503, null],
      ['/left', undefined, 'left', null, 'silent'],
      ['/nowhere', undefined, 'no-route', 404, null],
    ],
  );
  const held = lines.find(({ path: at }) => at === '/held');
  assert.ok(Number(held?.['heldMs']) >= 40, JSON.stringify(held));
});

test('a sample is exact, and no failure is left out of it', async (t) => {
  const gateway = await withApp(t, { accessLog: { samplePercent: 20, query: false } });
  for (let at = 0; at < 50; at += 1) await ask(gateway.port, { path: at % 5 === 0 ? '/bad' : '/good' });
  const lines = await logged(gateway, 18);
  const statuses = lines.map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 500).length, 10);
  assert.equal(statuses.filter((status) => status === 200).length, 8);
});

test('a log that cannot be written costs lines, which are counted, and no request', async (t) => {
  const gateway = await startGateway(t, ALL);
  const app = await startApp(t, 'a');
  await fs.mkdir(path.join(gateway.root, path.dirname(ACCESS_LOG)), { recursive: true });
  await fs.symlink('/dev/full', path.join(gateway.root, ACCESS_LOG));
  await gateway.route({ backends: [backendOf(app)] });
  for (let at = 0; at < 20; at += 1) assert.equal((await ask(gateway.port)).status, 200);
  await eventually('the loss is counted', () => gateway.plane.report()?.gateway.logDropped === 20);
});

test('a file that was renamed is left alone, and the lines go on in a new one', async (t) => {
  const gateway = await withApp(t, ALL);
  await ask(gateway.port);
  await logged(gateway, 1);
  const file = path.join(gateway.root, ACCESS_LOG);
  await fs.rename(file, `${file}.away`);
  await eventually('there is a new one', async () => {
    await ask(gateway.port);
    return (await linesOf(gateway)).length > 0;
  });
});

/**
 * Hunts a user who meets a candidate that only gets copies (R3), copies that are counted as users' requests (T5), a
 * comparison of what was not the same request, and a candidate that hangs and slows clients by it.
 */
import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { test, type TestContext } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import type { ServiceRouting } from '../../src/core/traffic/routing.ts';
import type { ShadowShare } from '../../src/core/traffic/shadow.ts';
import { eventually } from '../contract/eventually.ts';
import {
  ask,
  backendOf,
  type Harness,
  RawClient,
  startApp,
  startGateway,
  textOf,
} from './gateway-harness.ts';

const ALL: ShadowShare = { percent: 100, methods: ['GET', 'HEAD'], bodies: true };

/** Echoes what it is asked to answer: `/STATUS/TEXT`. */
const answering: RequestListener = (req, res) => {
  const [, status = '200', text = ''] = (req.url ?? '').split('/');
  req.resume().once('end', () => res.writeHead(Number(status)).end(text));
};

async function setUp(t: TestContext, candidate: RequestListener, shadow: ShadowShare = ALL) {
  const gateway = await startGateway(t);
  const web = await startApp(t, 'web', answering);
  const next = { ...(await startApp(t, 'next', candidate)), version: 'v2' };
  const routing: Partial<ServiceRouting> = {
    backends: [backendOf(web), backendOf(next)],
    split: [
      { group: 'stable', percent: 100, version: 'v1', backends: ['web'] },
      { group: 'candidate', percent: 0, version: 'v2', backends: ['next'] },
    ],
    shadow,
  };
  await gateway.route(routing);
  return { gateway, web, next, routing };
}

const shadowOf = (gateway: Harness) =>
  gateway.plane.report()?.shadows.find(({ version }) => version === 'v2');
const numbersOf = (gateway: Harness) => {
  const { sent, compared, copyErrors, originalErrors, otherStatus, otherBody, dropped } =
    shadowOf(gateway) ?? {};
  return { sent, compared, copyErrors, originalErrors, otherStatus, otherBody, dropped };
};

test('a share is copied, marked and compared, and no count of users knows of it', async (t) => {
  const seen: string[] = [];
  const { gateway, routing } = await setUp(
    t,
    (req, res) => {
      seen.push([req.method, req.url, req.headers['segue-shadow'], req.headers['x-a']].map(String).join(' '));
      const index = seen.length;
      if (index === 1) res.writeHead(500).end('one');
      else if (index === 2) res.writeHead(404).end('one');
      else if (index === 3) res.end('two');
      else if (index === 4) req.socket.destroy();
      else res.writeHead(200, { 'transfer-encoding': 'chunked' }).write('o', () => res.end('ne'));
    },
    { ...ALL, percent: 50 },
  );
  for (let i = 0; i < 20; i += 1)
    assert.equal(await textOf(ask(gateway.port, { path: '/200/one', headers: { 'x-a': 'b' } })), 'one');
  const expected = { sent: 10, compared: 10, copyErrors: 2, originalErrors: 0 };
  await eventually('all are compared', () => shadowOf(gateway)?.compared === 10);
  assert.deepEqual(numbersOf(gateway), { ...expected, otherStatus: 3, otherBody: 1, dropped: 0 });
  assert.deepEqual(new Set(seen), new Set(['GET /200/one 1 b']));
  await eventually('users are counted', () => gateway.counts('web')?.answered[0] === 20);
  assert.equal(gateway.counts('next')?.requests ?? 0, 0);
  const service = gateway.plane.report()?.services.find((each) => each.service === 'web');
  assert.deepEqual([service?.answered, service?.failed, service?.shadowed], [[20, 0, 0, 0], 0, 0]);
  assert.deepEqual(gateway.plane.report()?.failures ?? [], []);

  await gateway.route({ ...routing, shadow: null });
  for (let i = 0; i < 4; i += 1) await ask(gateway.port, { path: '/200/one' });
  assert.equal(seen.length, 10);
});

test('errors of both sides are seen, and a pair that fails alike is alike', async (t) => {
  const { gateway } = await setUp(t, answering);
  for (const path of ['/500/a', '/503/b', '/404/c', '/200/d']) await ask(gateway.port, { path });
  await eventually('all are compared', () => shadowOf(gateway)?.compared === 4);
  const none = { otherStatus: 0, otherBody: 0, dropped: 0 };
  assert.deepEqual(numbersOf(gateway), { sent: 4, compared: 4, copyErrors: 2, originalErrors: 2, ...none });
});

test('what changes something is copied only where the user says so, with its body', async (t) => {
  const bodies: string[] = [];
  const candidate: RequestListener = (req, res) => {
    let body = '';
    req.on('data', (part: Buffer) => (body += part.toString()));
    req.on('end', () => {
      bodies.push(body);
      res.end('x');
    });
  };
  const { gateway, routing } = await setUp(t, candidate);
  const post = (body: string) => ask(gateway.port, { method: 'POST', path: '/200/x', body });
  await post('no');
  await gateway.route({ ...routing, shadow: { ...ALL, methods: ['POST'] } });
  await post('yes');
  await post('z'.repeat(limits.gateway.shadowBodyBytesMax + 1));
  await eventually('both are counted', () => {
    const { compared, dropped } = numbersOf(gateway);
    return compared === 1 && dropped === 1;
  });
  assert.deepEqual(bodies, ['yes']);
  assert.equal(numbersOf(gateway).otherBody, 0);
});

test('a candidate that hangs costs clients nothing, and copies past the bound are left out', async (t) => {
  let asked = 0;
  const { gateway, next, routing } = await setUp(t, () => {
    asked += 1;
  });
  const timed = async (count: number) => {
    const startedMs = performance.now();
    for (let i = 0; i < count; i += 1)
      assert.equal((await ask(gateway.port, { path: '/200/x' })).status, 200);
    return performance.now() - startedMs;
  };
  const count = limits.gateway.shadowsMax + 100;
  const shadowedMs = await timed(count);
  await eventually('as many as may be are under way', () => asked === limits.gateway.shadowsMax);
  await eventually('the others are left out', () => shadowOf(gateway)?.dropped === 100);
  await gateway.route({ ...routing, shadow: null });
  const aloneMs = await timed(count);
  assert.ok(shadowedMs < 5 * aloneMs + 2_000, `${shadowedMs} ms beside ${aloneMs} ms`);
  next.kill();
  await eventually('they have failed', () => shadowOf(gateway)?.compared === limits.gateway.shadowsMax);
  assert.equal(shadowOf(gateway)?.copyErrors, limits.gateway.shadowsMax);
  assert.equal(gateway.counts('web')?.failed, 0);
});

test('an answer that stops half-way is a failure, one without an end is left out', async (t) => {
  const { gateway, routing } = await setUp(t, (req, res) => {
    if (req.url === '/200/half') res.writeHead(200, { 'content-length': '9' }).write('half');
    else res.end(Buffer.alloc(limits.gateway.shadowAnswerBytesMax + 1));
  });
  await gateway.route({ ...routing, responseMs: 500 });
  await ask(gateway.port, { path: '/200/half' });
  await eventually('it is a failure', () => shadowOf(gateway)?.copyErrors === 1);
  await ask(gateway.port, { path: '/200/long' });
  await eventually('it is left out', () => shadowOf(gateway)?.dropped === 1);
  assert.equal(shadowOf(gateway)?.compared, 1);
});

test('a client that leaves and a stream make no pair', async (t) => {
  const gateway = await startGateway(t);
  const stream: RequestListener = (req, res) => {
    if (req.url !== '/events') return;
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
  };
  const [web, next] = [
    await startApp(t, 'web', stream),
    await startApp(t, 'next', (req, res) => {
      if (req.url === '/events') stream(req, res);
      else res.end('early');
    }),
  ];
  await gateway.route({
    backends: [backendOf(web), { ...backendOf(next), version: 'v2' }],
    split: [
      { group: 'stable', percent: 100, version: 'v1', backends: ['web'] },
      { group: 'candidate', percent: 0, version: 'v2', backends: ['next'] },
    ],
    shadow: ALL,
  });
  const leaver = new RawClient(t, gateway.port);
  leaver.send('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually('its copy is sent', () => shadowOf(gateway)?.sent === 1);
  leaver.socket.destroy();
  const listener = new RawClient(t, gateway.port);
  listener.send('GET /events HTTP/1.1\r\nHost: a\r\n\r\n');
  await listener.until((text) => text.includes('data: 1'), 'has an event');
  await eventually('the stream is left out', () => shadowOf(gateway)?.dropped === 1);
  await eventually('the client is gone', () => gateway.counts('web')?.abandoned === 1);
  assert.deepEqual([shadowOf(gateway)?.sent, shadowOf(gateway)?.compared], [2, 0]);
});

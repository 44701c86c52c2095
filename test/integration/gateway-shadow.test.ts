/** Hunts a copy that its client waits for, one that changes something twice, one that is not the request, and copies without bound. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import { DEFAULT_POLICY, type ShadowPolicy } from '../../src/core/traffic/policy.ts';
import type { ServiceRouting } from '../../src/core/traffic/routing.ts';
import { eventually } from '../contract/eventually.ts';
import { ask, backendOf, type App, type Harness, startApp, startGateway, textOf } from './gateway-harness.ts';

const ALL: ShadowPolicy = { to: 'next', percent: 100, methods: ['GET', 'HEAD'] };

function servicesOf(app: App, next: App, shadow: ShadowPolicy): Partial<ServiceRouting>[] {
  return [
    { backends: [backendOf(app)], policy: { ...DEFAULT_POLICY, shadow } },
    { service: 'next', routes: [{ host: 'next', path: '/' }], backends: [backendOf(next)] },
  ];
}

/** What it was asked, one line each. */
async function startRecorder(t: TestContext, id: string) {
  const seen: string[] = [];
  const app = await startApp(t, id, (req, res) => {
    let body = '';
    req.on('data', (part: Buffer) => (body += part.toString('latin1')));
    req.on('end', () => {
      const { 'segue-shadow': shadow, 'x-a': a } = req.headers;
      seen.push([req.method, req.url, shadow, a, body].map(String).join(' '));
      res.writeHead(id === 'next' ? 418 : 200).end(id);
    });
  });
  return { app, seen };
}

const countsOf = (gateway: Harness) =>
  gateway.plane.report()?.services.find(({ service }) => service === 'web');

test('the share of the requests is copied, marked, and answered by the service itself', async (t) => {
  const gateway = await startGateway(t);
  const [web, next] = [await startRecorder(t, 'web'), await startRecorder(t, 'next')];
  await gateway.route(...servicesOf(web.app, next.app, { ...ALL, percent: 25 }));
  for (let i = 0; i < 40; i += 1)
    assert.equal(await textOf(ask(gateway.port, { path: `/${i}`, headers: { 'x-a': 'b' } })), 'web');
  await eventually('all are there', () => next.seen.length === 10);
  assert.deepEqual(
    next.seen.toSorted(),
    [...Array(10).keys()].map((i) => `GET /${4 * i + 3} 1 b `).toSorted(),
  );
  assert.ok(
    web.seen.every((line) => line.endsWith(' undefined b ')),
    'ordinary requests are not marked',
  );
  await eventually('they are counted', () => gateway.counts('next')?.answered[2] === 10);
  assert.equal(countsOf(gateway)?.shadowed, 10);
  assert.equal(countsOf(gateway)?.shadowsDropped, 0);
});

test('what may change something is copied only where it is named, with its body, up to a bound', async (t) => {
  const gateway = await startGateway(t);
  const [web, next] = [await startRecorder(t, 'web'), await startRecorder(t, 'next')];
  const post = (body: string, headers = {}) =>
    textOf(ask(gateway.port, { method: 'POST', path: '/p', body, headers }));
  await gateway.route(...servicesOf(web.app, next.app, ALL));
  assert.equal(await post('x'), 'web');
  await gateway.route(...servicesOf(web.app, next.app, { ...ALL, methods: ['POST'] }));
  assert.equal(await post('one'), 'web');
  assert.equal(await post('two', { 'transfer-encoding': 'chunked' }), 'web');
  assert.equal(await textOf(ask(gateway.port)), 'web');
  assert.equal(await post('z'.repeat(limits.gateway.shadowBodyBytesMax + 1)), 'web');
  await eventually('all are counted', () => countsOf(gateway)?.shadowsDropped === 1);
  await eventually('both are there', () => next.seen.length === 2);
  assert.deepEqual(next.seen.toSorted(), ['POST /p 1 undefined one', 'POST /p 1 undefined two']);
});

test('a shadow that does not answer, or is not there, costs the client nothing and is bounded', async (t) => {
  const gateway = await startGateway(t);
  const web = await startRecorder(t, 'web');
  let asked = 0;
  const silent = await startApp(t, 'next', () => {
    asked += 1;
  });
  await gateway.route(...servicesOf(web.app, silent, ALL));
  const count = limits.gateway.shadowsMax + 20;
  for (let i = 0; i < count; i += 1) assert.equal(await textOf(ask(gateway.port)), 'web');
  await eventually('the others are left out', () => countsOf(gateway)?.shadowsDropped === 20);
  await eventually('as many as may be', () => asked === limits.gateway.shadowsMax);
  silent.kill();
  await eventually(
    'they have failed there',
    () => gateway.counts('next')?.failed === limits.gateway.shadowsMax,
  );
  for (let i = 0; i < 10; i += 1) assert.equal(await textOf(ask(gateway.port)), 'web');
  const [service] = servicesOf(web.app, silent, ALL);
  await gateway.route(service ?? {});
  for (let i = 0; i < 10; i += 1) assert.equal(await textOf(ask(gateway.port)), 'web');
  await eventually('all are counted', () => gateway.counts('web')?.requests === web.seen.length);
  assert.equal(gateway.counts('web')?.failed, 0);
});

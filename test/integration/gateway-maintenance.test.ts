/** Hunts a request that reaches an instance during maintenance, a worker of ours that does not, and an answer that breaks the connection it comes on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../contract/eventually.ts';
import { DEFAULT_POLICY, type Maintenance } from '../../src/core/traffic/policy.ts';
import { ask, backendOf, RawClient, startApp, startGateway, textOf } from './gateway-harness.ts';

const MAINTENANCE: Maintenance = {
  status: 503,
  contentType: 'text/html; charset=utf-8',
  body: '<p>Zurück um 12',
  retryAfterS: 90,
  allow: ['192.0.2.0/24'],
};

test('everybody gets the page, except who is let in, until the next routing', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a');
  const backends = [backendOf(app)];
  const policy = { ...DEFAULT_POLICY, maintenance: MAINTENANCE };
  await gateway.route({ backends, policy });
  const answer = await ask(gateway.port);
  assert.equal(answer.status, 503);
  assert.equal(answer.body.toString(), MAINTENANCE.body);
  assert.equal(answer.headers['content-type'], MAINTENANCE.contentType);
  assert.equal(answer.headers['retry-after'], '90');
  assert.equal(answer.headers['segue-error'], 'maintenance');
  const as = (client: string) => ask(gateway.port, { headers: { 'x-forwarded-for': client } });
  assert.equal(await textOf(as('192.0.2.7')), 'a', 'this machine is trusted to say who asks');
  assert.equal((await as('192.0.2.7, 198.51.100.1')).status, 503);
  await eventually('they are counted', () => gateway.plane.report()?.services[0]?.turnedAway === 2);
  await gateway.route({ backends });
  assert.equal(await textOf(ask(gateway.port)), 'a');
});

test('a connection goes on after it: after a body, a HEAD, and when maintenance is over', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a');
  const policy = { ...DEFAULT_POLICY, maintenance: { ...MAINTENANCE, status: 204 } };
  await gateway.route({ backends: [backendOf(app)], policy });
  const client = new RawClient(t, gateway.port);
  const answers = (count: number) =>
    client.until((text) => text.split('HTTP/1.1 ').length > count, `${count} answers`);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody');
  await answers(1);
  client.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.doesNotMatch(await answers(2), /Content-Length|<p>/);
  await gateway.route({ backends: [backendOf(app)] });
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  assert.match(await client.until((text) => text.endsWith('a'), 'served'), /HTTP\/1.1 200 OK[^]*\r\na$/);
});

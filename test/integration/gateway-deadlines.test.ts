/**
 * Hunts a request without an end: a body that never comes, one that has no bound, an answer that trickles, a client
 * that is gone; and the instance being blamed for what its client did.
 */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test, type TestContext } from 'node:test';
import { eventually } from '../contract/eventually.ts';
import { limits } from '../../src/core/limits.ts';
import { DEFAULT_POLICY, type Policy } from '../../src/core/traffic/policy.ts';
import {
  ask,
  backendOf,
  type Harness,
  RawClient,
  startApp,
  startGateway,
  textOf,
} from './gateway-harness.ts';

const policyOf = (some: Partial<Policy>): Policy => ({
  ...DEFAULT_POLICY,
  ejection: { failures: 1, forMs: 600_000 },
  ...some,
});

/** The client's doing: nothing that a judge would hold against the version. */
function assertBlameless(gateway: Harness, id: string): void {
  assert.equal(gateway.counts(id)?.failed, 0);
  assert.equal(gateway.counts(id)?.ejections, 0);
}

test('a body that stops coming is a 408, and so is one that trickles', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a');
  await gateway.route({ backends: [backendOf(app)], policy: policyOf({ bodyMs: 300 }) });
  const stopped = new RawClient(t, gateway.port);
  stopped.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc');
  const answer = await stopped.untilEnd();
  assert.match(answer, /^HTTP\/1.1 408 [^]*Segue-Error: request-stalled/);
  const trickle = new RawClient(t, gateway.port);
  trickle.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
  const trickling = setInterval(() => trickle.send('1\r\nx\r\n'), 50);
  t.after(() => clearInterval(trickling));
  assert.match(await trickle.untilEnd(), /^HTTP\/1.1 408 /);
  await eventually('both are counted', () => gateway.counts('a')?.abandoned === 2);
  assertBlameless(gateway, 'a');
});

test('a body that goes on is waited for, however much longer than its timeout that is', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a', (req, res) => void req.pipe(res));
  await gateway.route({ backends: [backendOf(app)], policy: policyOf({ bodyMs: 3_000 }) });
  const client = new RawClient(t, gateway.port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 40000\r\n\r\n');
  for (let i = 0; i < 40; i += 1) {
    client.send('x'.repeat(1_000));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const received = await client.untilEnd();
  assert.match(received, /^HTTP\/1.1 200 /);
  assert.equal(received.match(/x+/g)?.join('').length, 40_000);
});

test('a body that says that it is too long is refused before the instance hears of it', async (t) => {
  const gateway = await startGateway(t);
  let asked = 0;
  const app = await startApp(t, 'a', (req, res) => {
    asked += 1;
    req.resume().once('end', () => res.end('a'));
  });
  await gateway.route({ backends: [backendOf(app)], policy: policyOf({ bodyBytesMax: 1_000 }) });
  for (const framing of ['Content-Length: 1001', 'Expect: 100-continue\r\nContent-Length: 1001']) {
    const client = new RawClient(t, gateway.port);
    client.send(`POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`);
    const answer = await client.untilEnd();
    assert.match(answer, /^HTTP\/1.1 413 [^]*Segue-Error: body-too-large[^]*Connection: close/);
  }
  assert.equal(asked, 0);
  assert.equal(await textOf(ask(gateway.port, { method: 'POST', body: 'x'.repeat(1_000) })), 'a');
  const chunked = { method: 'POST', headers: { 'transfer-encoding': 'chunked' } };
  assert.equal(await textOf(ask(gateway.port, { ...chunked, body: 'x'.repeat(1_000) })), 'a');
});

test('one that does not say so is cut when it is, at the instance too, and nobody blames the instance', async (t) => {
  const gateway = await startGateway(t);
  const bodies: { bytes: number; whole: boolean; closed: boolean }[] = [];
  const app = await startApp(t, 'a', (req: IncomingMessage) => {
    const body = { bytes: 0, whole: false, closed: false };
    bodies.push(body);
    req.on('data', (part: Buffer) => (body.bytes += part.length));
    req.on('error', () => undefined);
    req.once('end', () => (body.whole = true));
    req.socket.once('close', () => (body.closed = true));
  });
  await gateway.route({ backends: [backendOf(app)], policy: policyOf({ bodyBytesMax: 1_000 }) });
  const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
  const atOnce = new RawClient(t, gateway.port);
  atOnce.send(`${head}3e9\r\n${'x'.repeat(1_001)}\r\n0\r\n\r\n`);
  assert.match(await atOnce.untilEnd(), /^HTTP\/1.1 413 /);
  assert.equal(bodies.length, 0);
  const later = new RawClient(t, gateway.port);
  later.send(`${head}3e8\r\n${'x'.repeat(1_000)}\r\n`);
  await eventually('the instance has that', () => bodies[0]?.bytes === 1_000);
  later.send('1\r\nx\r\n');
  assert.match(await later.untilEnd(), /^HTTP\/1.1 413 /);
  await eventually('the instance is told', () => bodies[0]?.closed);
  assert.deepEqual(bodies, [{ bytes: 1_000, whole: false, closed: true }]);
  await eventually('it is counted', () => gateway.counts('a')?.abandoned === 1);
  assertBlameless(gateway, 'a');
  const asked = new RawClient(t, gateway.port);
  asked.send(head.replace('\r\n\r\n', '\r\nExpect: 100-continue\r\n\r\n'));
  await asked.until((text) => text.endsWith(' 100 Continue\r\n\r\n'), 'told to continue');
  asked.send(`3e9\r\n${'x'.repeat(1_001)}\r\n0\r\n\r\n`);
  assert.match(await asked.untilEnd(), /\r\n\r\nHTTP\/1.1 413 /);
});

test('the whole request has its time: waiting for the head, in the middle of the answer, but not as a stream', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a', (req, res) => {
    if (req.url === '/silent') return;
    res.writeHead(200, { 'content-type': req.url === '/events' ? 'text/event-stream' : 'text/plain' });
    const writing = setInterval(() => res.write('data: x\n\n'), 20);
    res.once('close', () => clearInterval(writing));
  });
  await gateway.route({ backends: [backendOf(app)], policy: policyOf({ ejection: null, requestMs: 500 }) });
  const events = new RawClient(t, gateway.port);
  events.send('GET /events HTTP/1.1\r\nHost: a\r\n\r\n');
  const silent = await ask(gateway.port, { path: '/silent' });
  assert.equal(silent.status, 504);
  assert.equal(silent.headers['segue-error'], 'request-late');
  await assert.rejects(ask(gateway.port, { path: '/endless' }), /aborted|ECONNRESET|hang up/);
  await eventually('both are counted', () => gateway.counts('a')?.failed === 2);
  const size = events.received.length;
  await events.until(({ length }) => length > size, 'more events came');
  assert.equal(events.ended, false);
});

test('a request that waits for an instance is over when its time is', async (t) => {
  const gateway = await startGateway(t);
  await gateway.route({
    backends: [],
    hold: { forMs: 600_000, requestsMax: 10 },
    policy: policyOf({ requestMs: 100 }),
  });
  assert.equal((await ask(gateway.port)).status, 503);
});

test('a client that leaves in the middle of its upload frees the instance', async (t) => {
  const gateway = await startGateway(t);
  let closed = false;
  const app = await startApp(t, 'a', (req) => {
    req.resume().on('error', () => undefined);
    req.socket.once('close', () => (closed = true));
  });
  await gateway.route({ backends: [backendOf(app)], policy: policyOf({}) });
  const client = new RawClient(t, gateway.port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc');
  await eventually('it is under way', () => gateway.counts('a')?.inFlight === 1);
  client.socket.destroy();
  await eventually('the instance sees it', () => closed);
  await eventually('it is counted', () => gateway.counts('a')?.abandoned === 1);
  assertBlameless(gateway, 'a');
});

/** Answers a while after a client that ended its side has been taken for gone, unless its service waits longer. */
async function startLate(t: TestContext) {
  return startApp(t, 'a', (req, res) => {
    if (req.url === '/parts') {
      const writing = setInterval(() => res.write('part'), 50);
      res.once('close', () => clearInterval(writing));
    } else setTimeout(() => res.end('late'), 2 * limits.gateway.halfClosedMs);
  });
}

test('a client that ended its side and hears nothing for a second is taken for gone', async (t) => {
  const gateway = await startGateway(t);
  const app = await startLate(t);
  await gateway.route({ backends: [backendOf(app)], policy: policyOf({}) });
  const client = new RawClient(t, gateway.port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  client.socket.end();
  assert.equal(await client.untilEnd(), '');
  await eventually('it is counted', () => gateway.counts('a')?.abandoned === 1);
  assertBlameless(gateway, 'a');
});

test('one of a service that waits longer gets its answer, and one that is gone is found out as it is sent', async (t) => {
  const gateway = await startGateway(t);
  const app = await startLate(t);
  await gateway.route({ backends: [backendOf(app)], policy: policyOf({ halfClosedMs: 600_000 }) });
  const client = new RawClient(t, gateway.port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  client.socket.end();
  assert.match(await client.untilEnd(), /^HTTP\/1\.1 200 [^]*Connection: close[^]*late$/);
  const ahead = new RawClient(t, gateway.port);
  ahead.send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
  ahead.socket.end();
  assert.match(await ahead.untilEnd(), /late[^]*late$/, 'what it sent ahead has as long');
  const leaver = new RawClient(t, gateway.port);
  leaver.send('GET /parts HTTP/1.1\r\nHost: a\r\n\r\n');
  await leaver.until((text) => text.includes('part'), 'began');
  leaver.socket.destroy();
  await eventually('it is counted', () => gateway.counts('a')?.abandoned === 1);
  assertBlameless(gateway, 'a');
});

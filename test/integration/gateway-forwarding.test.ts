/**
 * Hunts a client that is believed about who it is, a proxy that is trusted or not although the routing now says
 * otherwise, and a request that gets another id when it is sent again.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_SETTINGS } from '../../src/core/traffic/settings.ts';
import {
  backendOf,
  type Harness,
  RawClient,
  serviceRouting,
  startApp,
  startGateway,
  startRaw,
  ask,
} from './gateway-harness.ts';
import type { App } from './gateway-harness.ts';

function trust(gateway: Harness, number: number, networks: readonly string[], app: App): Promise<unknown> {
  const services = [serviceRouting(gateway.port, { backends: [backendOf(app)] })];
  return gateway.plane.apply({
    number,
    fence: 1,
    services,
    settings: { ...DEFAULT_SETTINGS, trust: networks },
  });
}

test('the word of a client counts from the routing on that trusts it, and not after', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a', (req, res) => {
    const { 'x-forwarded-for': by, 'x-forwarded-proto': proto } = req.headers;
    res.end(`${String(by)} ${String(proto)};`);
  });
  await trust(gateway, 1, ['10.0.0.0/8'], app);
  const client = new RawClient(t, gateway.port);
  let asked = 0;
  const said = async () => {
    asked += 1;
    client.send(
      'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n\r\n',
    );
    const all = await client.until((text) => text.split(';').length > asked, 'answered');
    return all.split('\r\n\r\n').at(-1);
  };
  assert.equal(await said(), '127.0.0.1 http;');
  await trust(gateway, 2, ['10.0.0.0/8', '127.0.0.0/8'], app);
  assert.equal(await said(), '192.0.2.1, 127.0.0.1 https;');
  await trust(gateway, 3, [], app);
  assert.equal(await said(), '127.0.0.1 http;');
});

test('no way of writing a field brings it past the gateway', async (t) => {
  const gateway = await startGateway(t);
  let seen = '';
  const app = await startRaw(t, 'a', (socket) =>
    socket.on('data', (bytes: Buffer) => {
      seen = bytes.toString('latin1');
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    }),
  );
  await gateway.plane.apply({
    ...{ number: 1, fence: 1, settings: { ...DEFAULT_SETTINGS, trust: [] } },
    services: [serviceRouting(gateway.port, { backends: [backendOf(app)] })],
  });
  const evil = '6.6.6.6';
  const lines = [
    `X-Forwarded-For: ${evil}`,
    `x-FORWARDED-fOr:${evil}`,
    `X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: ${evil}`,
    `X-Forwarded-For:\r\n ${evil}`,
    `X_Forwarded_For: ${evil}`,
    `X-Forwarded_For: ${evil}`,
    `X-Forwarded-For : ${evil}`,
    `Connection: X-Forwarded-For\r\nX-Forwarded-For: ${evil}`,
    `Forwarded: for=${evil}`,
    `FORWARDED: for=${evil}`,
    `X-Forwarded-Client: ${evil}`,
    `X-Forwarded-Server: ${evil}`,
  ];
  for (const line of lines) {
    seen = '';
    const client = new RawClient(t, gateway.port);
    client.send(`GET / HTTP/1.1\r\nHost: a\r\n${line}\r\n\r\n`);
    const answer = await client.until((text) => text.includes('\r\n\r\n'), 'answered');
    assert.doesNotMatch(seen, /6\.6\.6\.6/, line);
    if (seen === '') assert.match(answer, /^HTTP\/1.1 400 /, line);
    else assert.match(seen, /\r\nX-Forwarded-For: 127\.0\.0\.1\r\n/, line);
    client.socket.destroy();
  }
});

test('a request keeps its id and its trace when it is sent again, and shares them with no other', async (t) => {
  const gateway = await startGateway(t);
  const ids: string[] = [];
  const idOf = (text: string) =>
    /X-Request-Id: (\w{32})\r\ntraceparent: (00-\w{32}-\w{16}-01)/.exec(text)?.slice(1).join() ?? '';
  const app = await startRaw(t, 'a', (socket) =>
    socket.once('data', (bytes: Buffer) => {
      ids.push(idOf(bytes.toString('latin1')));
      if (ids.length % 2) socket.destroy();
      else socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    }),
  );
  await gateway.route({ backends: [backendOf(app)] });
  for (let i = 0; i < 2; i += 1) assert.equal((await ask(gateway.port)).status, 200);
  const [first, again, second, secondAgain] = ids;
  assert.ok(first && second);
  assert.equal(first, again);
  assert.equal(second, secondAgain);
  assert.notEqual(first, second);
});

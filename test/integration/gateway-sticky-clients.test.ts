/**
 * Hunts sessions that depend on how a client comes: over HTTP/2 or TLS, or behind a proxy, whose address is not the
 * client's and whose word counts only when it is trusted.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { makeCertificate } from '../support/certificates.ts';
import { hasOpenssl } from '../support/openssl.ts';
import { ask, backendOf, startApp, startGateway, textOf } from './gateway-harness.ts';

const skip = hasOpenssl() ? false : 'openssl is not installed';
const STICKY = { type: 'cookie', name: 'segue', ttlMs: 3_600_000 } as const;
const SETTINGS = { stickyKey: 'a key of a test' };

async function startBackends(t: TestContext) {
  return (await Promise.all(['a', 'b', 'c', 'd'].map((id) => startApp(t, id)))).map(backendOf);
}

test('over TLS and HTTP/2 a session is kept, and its cookie is for TLS only', { skip }, async (t) => {
  const gateway = await startGateway(t, SETTINGS);
  const certificate = await makeCertificate(path.join(gateway.root, 'certs'), 'c', { hosts: ['shop.test'] });
  gateway.settings = { ...SETTINGS, certificates: [certificate] };
  await gateway.route({ backends: await startBackends(t), sticky: STICKY, tls: { hstsMs: null } });
  const session = http2.connect(`https://127.0.0.1:${gateway.port}`, {
    rejectUnauthorized: false,
    servername: 'shop.test',
  });
  t.after(() => session.destroy());
  const visit = async (cookie?: string) => {
    const stream = session.request({
      ':path': '/',
      ...(cookie === undefined ? {} : { cookie: ['x=1', cookie] }),
    });
    let body = '';
    stream.on('data', (part) => (body += String(part)));
    // Both may come in one read, and then within one turn.
    const [[headers]] = await Promise.all([once(stream, 'response'), once(stream, 'end')]);
    return { body, line: headers['set-cookie']?.[0] as string | undefined };
  };
  const { body, line } = await visit();
  assert.match(line ?? '', /^segue=[\w-]{64}; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
  const cookie = line?.slice(0, line.indexOf(';'));
  for (let i = 0; i < 6; i += 1) assert.deepEqual(await visit(cookie), { body, line: undefined });
});

test('every worker knows the sessions of the others', async (t) => {
  const gateway = await startGateway(t, { ...SETTINGS, workers: 3 });
  const backends = await startBackends(t);
  await gateway.route({ backends, sticky: STICKY });
  for (let session = 0; session < 10; session += 1) {
    const first = await ask(gateway.port);
    const [cookie = ''] = (first.headers['set-cookie']?.[0] ?? '').split(';');
    // Connections of their own: any worker may take them.
    const visits = Array.from({ length: 12 }, () => ask(gateway.port, { headers: { cookie } }));
    for (const { body, headers } of await Promise.all(visits)) {
      assert.equal(body.toString(), first.body.toString());
      assert.equal(headers['set-cookie'], undefined);
    }
  }
});

test('several workers share out together what each of them does exactly', async (t) => {
  const gateway = await startGateway(t, { workers: 3 });
  const backends = await startBackends(t);
  const split = [
    { group: 'stable', version: 'v1', percent: 80, backends: ['a', 'b', 'c'] },
    { group: 'candidate', version: 'v2', percent: 20, backends: ['d'] },
  ] as const;
  await gateway.route({ backends, split });
  const bodies: string[] = [];
  for (let i = 0; i < 300; i += 1) bodies.push(await textOf(ask(gateway.port)));
  const found = bodies.filter((body) => body === 'd').length;
  // A worker's part of these need not be a whole round of a hundred.
  assert.ok(Math.abs(found - 60) <= 6, `${found} of 300`);
});

for (const trust of [['127.0.0.0/8'], []])
  test(`what a proxy says of its clients counts when it is trusted: ${trust.length > 0}`, async (t) => {
    const gateway = await startGateway(t, { ...SETTINGS, trust });
    const backends = await startBackends(t);
    await gateway.route({ backends, sticky: { type: 'hash', of: { type: 'address' } } });
    const visit = async (from: string) =>
      textOf(ask(gateway.port, { headers: { 'X-Forwarded-For': `1.2.3.4, ${from}` } }));
    const clients = Array.from({ length: 30 }, (_, i) => `9.9.9.${i}`);
    const homes: string[] = [];
    for (const client of clients) homes.push(await visit(client));
    for (const [i, client] of clients.entries()) assert.equal(await visit(client), homes[i]);
    assert.equal(new Set(homes).size, trust.length > 0 ? 4 : 1);
    await gateway.route({ backends, sticky: STICKY });
    const { headers } = await ask(gateway.port, { headers: { 'X-Forwarded-Proto': 'https' } });
    assert.equal(headers['set-cookie']?.[0]?.endsWith('; Secure'), trust.length > 0);
    const rules = [
      {
        name: 'nine',
        match: { type: 'network', networks: ['9.9.9.0/24'] },
        percent: 100,
        group: 'candidate',
      },
    ] as const;
    const ids = backends.map(({ id }) => id);
    const split = [
      { group: 'stable', version: 'v1', percent: 100, backends: ids.slice(0, 3) },
      { group: 'candidate', version: 'v2', percent: 0, backends: ids.slice(3) },
    ] as const;
    await gateway.route({ backends, split, rules });
    assert.equal((await visit('9.9.9.1')) === 'd', trust.length > 0);
    assert.notEqual(await visit('8.8.8.8'), 'd');
  });

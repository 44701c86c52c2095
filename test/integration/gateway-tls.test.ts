/**
 * Hunts a TLS side that shows the wrong certificate, drops connections when a file changes, takes a broken file
 * over a good one, forgets sessions, or lets handshakes that never end pile up.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import http2 from 'node:http2';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import tls, { type TLSSocket } from 'node:tls';
import { eventually } from '../contract/eventually.ts';
import { somePort } from '../contract/some-port.ts';
import { type CertificateChoice, type MadeCertificate, makeCertificate } from '../support/certificates.ts';
import { hasOpenssl } from '../support/openssl.ts';
import {
  type App,
  ask,
  backendOf,
  type Harness,
  RawClient,
  startApp,
  startGateway,
  textOf,
} from './gateway-harness.ts';

const skip = hasOpenssl() ? false : 'openssl is not installed';

interface Secure {
  readonly gateway: Harness;
  readonly app: App;
  readonly files: readonly MadeCertificate[];
  /** One request over a connection of its own; the certificate's host first. */
  readonly get: (
    host: string,
    options?: tls.ConnectionOptions,
  ) => Promise<{ readonly host: string; readonly text: string }>;
}

const TLS = { tls: { hstsMs: null } } as const;

async function secure(t: TestContext, ...choices: readonly CertificateChoice[]): Promise<Secure> {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a', (req, res) =>
    res.end(`proto ${String(req.headers['x-forwarded-proto'])}`),
  );
  const files = await Promise.all(
    choices.map((choice, at) => makeCertificate(path.join(gateway.root, 'certs'), `c${at}`, choice)),
  );
  gateway.settings = { certificates: files };
  await gateway.route({ backends: [backendOf(app)], ...TLS });
  return {
    gateway,
    app,
    files,
    get: async (host, options) => {
      const socket = await shake(t, gateway.port, { servername: host, ...options });
      const of = hostOf(socket);
      socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      let text = '';
      for await (const part of socket) text += String(part);
      return { host: of, text };
    },
  };
}

async function shake(t: TestContext, port: number, options: tls.ConnectionOptions): Promise<TLSSocket> {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  t.after(() => socket.destroy());
  await once(socket, 'secureConnect');
  // The gateway is stopped before this is closed.
  socket.on('error', () => undefined);
  return socket;
}

const hostOf = (socket: TLSSocket) => String(socket.getPeerCertificate().subject.CN);

test(
  'each host has its certificate; a wildcard is one label; the first is for the rest',
  { skip },
  async (t) => {
    const { get } = await secure(
      t,
      { hosts: ['first.example'] },
      { hosts: ['*.shop.example', 'shop.example'] },
    );
    assert.equal((await get('first.example')).host, 'first.example');
    const wild = await get('API.shop.example');
    assert.equal(wild.host, '*.shop.example');
    assert.match(wild.text, /^HTTP\/1\.1 200 OK/);
    assert.match(wild.text, /proto https$/);
    assert.equal((await get('shop.example')).host, '*.shop.example');
    assert.equal((await get('deep.api.shop.example')).host, 'first.example');
    assert.equal((await get('')).host, 'first.example');
  },
);

test('a client that knows only RSA gets that one of two', { skip }, async (t) => {
  const { get } = await secure(
    t,
    { hosts: ['one.example'], key: 'ec' },
    { hosts: ['one.example'], key: 'rsa' },
  );
  const only = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' } as const;
  for (const kind of ['ECDSA', 'RSA']) {
    const answer = await get('one.example', { ...only, ciphers: `ECDHE-${kind}-AES128-GCM-SHA256` });
    assert.equal(answer.host, 'one.example');
  }
  await assert.rejects(get('one.example', { maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1' }));
});

test('a client that offers it speaks HTTP/2', { skip }, async (t) => {
  const { gateway, files } = await secure(t, { hosts: ['localhost'] });
  const ca = await fs.readFile(files[0]?.certificate ?? '');
  const session = http2.connect(`https://127.0.0.1:${gateway.port}`, { ca, servername: 'localhost' });
  t.after(() => session.destroy());
  const stream = session.request({ ':path': '/' });
  stream.setEncoding('utf8');
  let body = '';
  stream.on('data', (part: string) => (body += part));
  // Both may come in one read, and then within one turn.
  const [[headers]] = await Promise.all([once(stream, 'response'), once(stream, 'end')]);
  assert.deepEqual([headers[':status'], body], [200, 'proto https']);
});

test(
  'a new certificate is taken without a drop, a broken one is refused with the reason',
  { skip },
  async (t) => {
    const { gateway, get, files } = await secure(t, { hosts: ['old.example'] });
    const [file] = files;
    assert.ok(file);
    const open = await shake(t, gateway.port, { servername: 'old.example' });
    await fs.writeFile(file.certificate, 'not a certificate');
    await eventually('the broken file is told of', () =>
      gateway.plane.report()?.certificates.some(({ trouble }) => trouble?.includes('is no certificate')),
    );
    assert.equal((await get('old.example')).host, 'old.example');
    await makeCertificate(path.dirname(file.certificate), 'other', { hosts: ['other.example'] });
    await fs.copyFile(path.join(path.dirname(file.certificate), 'other.pem'), file.certificate);
    await eventually('a foreign key is told of', () =>
      gateway.plane.report()?.certificates.some(({ trouble }) => trouble?.includes('is not the key of')),
    );
    assert.equal((await get('old.example')).host, 'old.example');
    await makeCertificate(path.dirname(file.certificate), 'c0', { hosts: ['new.example'] });
    await eventually('the new one is in use', async () => (await get('')).host === 'new.example');
    const state = await eventually('the report says so', () =>
      gateway.plane.report()?.certificates.find(({ trouble }) => trouble === null),
    );
    assert.deepEqual(state.hosts, ['new.example']);
    assert.ok((state.notAfterMs ?? 0) > Date.now());
    open.write('GET / HTTP/1.1\r\nHost: old.example\r\n\r\n');
    assert.match(String((await once(open, 'data'))[0]), /^HTTP\/1\.1 200 OK/);
  },
);

test('a session is taken up again after the gateway was started anew', { skip }, async (t) => {
  const { gateway, app } = await secure(t, { hosts: ['one.example'] });
  const first = await shake(t, gateway.port, { servername: 'one.example' });
  first.write('GET / HTTP/1.1\r\nHost: one.example\r\n\r\n');
  const [session] = await once(first, 'session');
  first.destroy();
  const run = path.join(gateway.root, '.segue/run');
  const keys = (await fs.readdir(run)).filter((name) => name.startsWith('tickets-'));
  for (const name of keys) assert.equal((await fs.stat(path.join(run, name))).mode & 0o777, 0o600);
  assert.ok(keys.length > 0);
  // Workers outlive a master that is killed: only an upgrade has others.
  await gateway.plane.upgrade(true);
  await gateway.route({ backends: [backendOf(app)], ...TLS });
  const second = await shake(t, gateway.port, { servername: 'one.example', session });
  assert.equal(second.isSessionReused(), true);
});

test(
  'tickets of yesterday and of tomorrow are taken by every worker, older ones are not',
  { skip },
  async (t) => {
    const { gateway, app } = await secure(t, { hosts: ['one.example'] });
    const run = path.join(gateway.root, '.segue/run');
    const today = await eventually('there is a key', async () =>
      (await fs.readdir(run)).find((name) => /^tickets-\d+\.key$/.test(name)),
    );
    const day = Number(/\d+/.exec(today)?.[0]);
    const fileOf = (other: number) => path.join(run, `tickets-${other}.key`);
    const key = await fs.readFile(path.join(run, today));
    const sessions = new Map<string, Buffer>();
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const first = await shake(t, gateway.port, { servername: 'one.example', maxVersion });
      // TLS 1.2 gives the ticket within the handshake, 1.3 after it.
      const arrived = maxVersion === 'TLSv1.3' ? once(first, 'session') : [first.getSession()];
      first.write('GET / HTTP/1.1\r\nHost: one.example\r\n\r\n');
      const [session] = await arrived;
      assert.ok(session instanceof Buffer);
      sessions.set(maxVersion, session);
      first.destroy();
    }
    /** The key that all tickets were made with is now that of another day. */
    const reused = async (ofDay: number | null) => {
      for (const name of await fs.readdir(run))
        if (name.startsWith('tickets-')) await fs.rm(path.join(run, name));
      if (ofDay !== null) await fs.writeFile(fileOf(ofDay), key, { mode: 0o600 });
      await gateway.plane.upgrade(true);
      await gateway.route({ backends: [backendOf(app)], ...TLS });
      const found: boolean[] = [];
      for (const [version, session] of sessions)
        for (let times = 0; times < 3; times += 1) {
          const maxVersion = version === 'TLSv1.2' ? 'TLSv1.2' : 'TLSv1.3';
          const again = await shake(t, gateway.port, { servername: 'one.example', maxVersion, session });
          again.write('GET / HTTP/1.1\r\nHost: one.example\r\n\r\n');
          assert.match(String((await once(again, 'data'))[0]), /^HTTP\/1\.1 200 OK/);
          found.push(again.isSessionReused());
        }
      return [...new Set(found)];
    };
    gateway.settings = { ...gateway.settings, workers: 2 };
    assert.deepEqual(await reused(day - 1), [true]);
    assert.deepEqual(await reused(day + 1), [true]);
    assert.deepEqual(await reused(null), [false]);
  },
);

test(
  'plain HTTP is told that this is TLS; silence and nonsense cost nobody else anything',
  { skip },
  async (t) => {
    const { gateway, get } = await secure(t, { hosts: ['one.example'] });
    const plain = new RawClient(t, gateway.port);
    plain.send('GET / HTTP/1.1\r\nHost: one.example\r\n\r\n');
    assert.match(await plain.untilEnd(), /^HTTP\/1\.1 400 Bad Request[^]*plain-http[^]*use https/);
    const nonsense = new RawClient(t, gateway.port);
    nonsense.send('\x16\x03\x01\x00\x05nonsense that is no handshake');
    const silent = new RawClient(t, gateway.port);
    await nonsense.untilEnd();
    assert.equal((await get('one.example')).host, 'one.example');
    assert.equal(silent.ended, false);
  },
);

test(
  'plain HTTP is led to where TLS is, an authority gets its answer, others get 404',
  { skip },
  async (t) => {
    const { gateway, app, files, get } = await secure(t, { hosts: ['shop.example'] });
    const plain = await somePort();
    const challenges = [{ token: 'abc', answer: 'abc.print' }];
    gateway.settings = { certificates: files, redirect: { host: '127.0.0.1', port: plain }, challenges };
    const routes = [{ host: 'shop.example', path: '/' }];
    await gateway.route({ backends: [backendOf(app)], routes, tls: { hstsMs: 3_600_000 } });
    const led = await ask(plain, {
      path: '/a?b=c',
      method: 'POST',
      body: 'x',
      headers: { host: 'Shop.example:80' },
    });
    assert.deepEqual([led.status, led.headers.location], [308, `https://shop.example:${gateway.port}/a?b=c`]);
    const challenge = '/.well-known/acme-challenge/abc';
    assert.equal(
      await textOf(ask(plain, { path: challenge, headers: { host: 'anybody.example' } })),
      'abc.print',
    );
    assert.equal((await ask(plain, { headers: { host: 'anybody.example' } })).status, 404);
    assert.equal(
      (await ask(plain, { path: `${challenge}d`, headers: { host: 'shop.example' } })).status,
      308,
    );
    assert.match((await get('shop.example')).text, /strict-transport-security: max-age=3600\r\n/i);
    await gateway.route({ backends: [backendOf(app)], listen: { host: '127.0.0.1', port: plain } });
    assert.equal((await ask(plain, { headers: { host: 'shop.example' } })).status, 200);
  },
);

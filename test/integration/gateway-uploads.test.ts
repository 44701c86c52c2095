/**
 * Hunts uploads that pile up in the gateway: an instance that does not read holds its clients back, whatever they
 * speak, and one more of them costs kilobytes; and memory that is given back while somebody still sends from it.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http2 from 'node:http2';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Writable } from 'node:stream';
import tls from 'node:tls';
import { eventually } from '../contract/eventually.ts';
import { portOf } from '../contract/some-port.ts';
import { makeCertificate } from '../support/certificates.ts';
import { Chance } from '../support/chance.ts';
import { hasOpenssl } from '../support/openssl.ts';
import {
  ask,
  backendOf,
  type Harness,
  RawClient,
  startApp,
  startGateway,
  startRaw,
} from './gateway-harness.ts';
import { residentBytes } from './gateway-memory.ts';

const KILOBYTE = 1024;
const MEGABYTE = 1024 * KILOBYTE;
const GIGABYTE = 1024 * MEGABYTE;
const FEW = 20;
/** Streams of one client. */
const STREAMS = 20;
/** Of each further one. The system's own buffers are not the gateway's. */
const EACH_BYTES_MAX = 400 * KILOBYTE;
const H2C_UPLOAD_BYTES = 400 * MEGABYTE;
const HEAD = `PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${GIGABYTE}\r\n\r\n`;
const PART = Buffer.alloc(MEGABYTE, 'x');

/** Sends without end, as fast as it may; the bytes that went so far. */
function pour(into: Writable): () => number {
  let sent = 0;
  const more = () => {
    do sent += PART.length;
    while (into.write(PART) && sent < GIGABYTE);
  };
  into.on('drain', more).on('error', () => undefined);
  more();
  return () => sent - into.writableLength;
}

type Upload = (t: TestContext, gateway: Harness) => () => number;

const overHttp1: Upload = (t, gateway) => {
  const { socket } = new RawClient(t, gateway.port);
  socket.write(HEAD);
  return pour(socket);
};

const overTls: Upload = (t, gateway) => {
  const socket = tls.connect({ port: gateway.port, host: '127.0.0.1', rejectUnauthorized: false });
  t.after(() => socket.destroy());
  socket.write(HEAD);
  return pour(socket);
};

const overHttp2: Upload = (t, gateway) => {
  const session = http2.connect(`http://127.0.0.1:${gateway.port}`);
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  const sent = Array.from({ length: STREAMS }, () => pour(session.request({ ':method': 'PUT' })));
  return () => sent.reduce((sum, bytes) => sum + bytes(), 0);
};

interface Kind {
  readonly name: string;
  readonly upload: Upload;
  readonly atOnce: number;
  readonly secure?: true;
  readonly many: number;
  readonly fewBytesMax: number;
}

const KINDS: readonly Kind[] = [
  { name: 'HTTP/1.1', upload: overHttp1, atOnce: 1, many: 80, fewBytesMax: 24 * MEGABYTE },
  { name: 'TLS', upload: overTls, atOnce: 1, secure: true, many: 80, fewBytesMax: 32 * MEGABYTE },
  // Node reads a connection of HTTP/2 into memory that only the collector gives back.
  { name: 'HTTP/2', upload: overHttp2, atOnce: STREAMS, many: 320, fewBytesMax: 96 * MEGABYTE },
];

for (const { name, upload, atOnce, secure, many, fewBytesMax } of KINDS)
  test(
    `${name}: uploads to an instance that does not read wait at their clients`,
    { skip: secure && !hasOpenssl() ? 'openssl is not installed' : false },
    async (t) => {
      const gateway = await startGateway(t);
      const app = await startRaw(t, 'a', (socket) => void socket.pause());
      const certificates = secure
        ? [await makeCertificate(path.join(gateway.root, 'certs'), 'c', { hosts: ['a'] })]
        : [];
      gateway.settings = { certificates };
      await gateway.route({ backends: [backendOf(app)], ...(secure ? { tls: { hstsMs: null } } : {}) });
      const before = await residentBytes(gateway);
      const sent: (() => number)[] = [];
      const grownWith = async (count: number) => {
        while (sent.length * atOnce < count) sent.push(upload(t, gateway));
        let last = -1;
        await eventually('all are held back', async () => {
          const was = last;
          last = sent.reduce((sum, bytes) => sum + bytes(), 0);
          await sleep(300);
          return last === was && gateway.counts('a')?.inFlight === count;
        });
        return (await residentBytes(gateway)) - before;
      };
      const few = await grownWith(FEW);
      const each = ((await grownWith(many)) - few) / (many - FEW);
      t.diagnostic(
        `${Math.round(few / KILOBYTE)} kB for ${FEW}, ${Math.round(each / KILOBYTE)} kB for each further one`,
      );
      assert.ok(few < fewBytesMax, `${few} bytes for ${FEW}`);
      assert.ok(each < EACH_BYTES_MAX, `${each} bytes for each further one`);
    },
  );

test('an instance that refuses an upload and hangs up on it is heard', async (t) => {
  const gateway = await startGateway(t);
  const app = await startRaw(t, 'a', (socket) => {
    // Hanging up with an upload unread resets the connection.
    const refusal = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno';
    socket.once('data', () => socket.pause().write(refusal, () => socket.destroy()));
  });
  await gateway.route({ backends: [backendOf(app)] });
  for (let turn = 0; turn < 20; turn += 1) {
    const client = new RawClient(t, gateway.port);
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${3 * MEGABYTE}\r\n\r\n`);
    for (let part = 0; part < 30; part += 1) client.send('x'.repeat(MEGABYTE / 10));
    assert.match(await client.until((text) => text.endsWith('no'), 'told why'), /^HTTP\/1.1 413 /);
    client.socket.destroy();
  }
});

test('an upload to an instance that speaks HTTP/2 passes through, and leaves nothing behind', async (t) => {
  const gateway = await startGateway(t);
  let received = 0;
  const server = http2.createServer().listen(0, '127.0.0.1');
  server.on('stream', (stream) => {
    stream.on('data', (part: Buffer) => (received += part.length));
    stream.on('end', () => {
      stream.respond({ ':status': 200 });
      stream.end('all of it');
    });
  });
  await once(server, 'listening');
  t.after(() => server.close());
  const backend = { id: 'a', version: 'v1', host: '127.0.0.1', port: portOf(server.address()) };
  await gateway.route({ backends: [backend], protocol: 'h2c' });
  const before = await residentBytes(gateway);
  const answer = ask(gateway.port, { method: 'PUT', body: Buffer.alloc(H2C_UPLOAD_BYTES, 'x') });
  let most = before;
  await eventually('half of it is there', async () => {
    most = Math.max(most, await residentBytes(gateway));
    return received > H2C_UPLOAD_BYTES / 2;
  });
  assert.equal((await answer).body.toString(), 'all of it');
  assert.equal(received, H2C_UPLOAD_BYTES);
  most = Math.max(most, await residentBytes(gateway));
  t.diagnostic(`${Math.round((most - before) / MEGABYTE)} MB more while ${received / MEGABYTE} MB passed`);
  assert.ok(most - before < H2C_UPLOAD_BYTES / 4, `${most - before} bytes`);
});

test('what is given back was sent: large bodies arrive as they are, whatever the pace of instance and client', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a', (req, res) => {
    const hash = createHash('sha256');
    let parts = 0;
    req.on('data', (part: Buffer) => {
      hash.update(part);
      parts += 1;
      if (parts % 7 !== 0) return;
      req.pause();
      setTimeout(() => req.resume(), 2);
    });
    req.on('end', () => res.end(hash.digest('hex')));
  });
  await gateway.route({ backends: [backendOf(app)] });
  const chance = new Chance(7);
  const uploads = Array.from({ length: 8 }, async (_, at) => {
    const block = Buffer.from(Array.from({ length: 4_093 }, () => chance.below(256)));
    const body = Buffer.alloc(2 * MEGABYTE + at * 1_000, block);
    const chunked = at % 2 === 0 ? { 'transfer-encoding': 'chunked' } : {};
    const answer = await ask(gateway.port, { method: 'PUT', headers: chunked, body });
    assert.equal(answer.body.toString(), createHash('sha256').update(body).digest('hex'));
  });
  await Promise.all(uploads);
});

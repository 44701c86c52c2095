/**
 * Hunts load clients that flatter what they measure: that send a request twice, call a cut response an answer,
 * overlook a lost event or a lost cart item, or count a request in no column or in two.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { startLoadProcess } from '../load/load-process.ts';
import { startLoad } from '../load/load.ts';
import type { HttpClients, LoadOptions } from '../load/options.ts';
import { ResponseReader } from '../load/response-reader.ts';
import { startShop } from '../load/shop.ts';
import type { Load, Snapshot, Summary } from '../load/summary.ts';

const DEADLINE_MS = 60_000;
const open: (() => Promise<unknown>)[] = [];
after(() => Promise.all(open.map((close) => close())));

type Talk = (socket: Socket, request: string, count: number) => void;

/** A server of raw bytes: `talk` gets every request head with its number on this connection. */
async function serve(talk: Talk): Promise<{ port: number; requests: () => number }> {
  let requests = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let count = 0;
    let text = '';
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (chunk) => {
      if (count > 0 && text === 'upgraded') return;
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const head = text.slice(0, end);
        text = text.slice(end + 4);
        count += 1;
        requests += 1;
        talk(socket, head, count);
        if (/^upgrade:/im.test(head)) text = 'upgraded';
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  assert(address !== null && typeof address === 'object');
  return { port: address.port, requests: () => requests };
}

/** A load that ends with the tests, however they go. */
function begin(options: LoadOptions): Load {
  const load = startLoad(options);
  open.push(() => load.stop());
  return load;
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';
const GET: HttpClients = { kind: 'keep-alive', method: 'GET', path: '/', count: 1, thinkMs: 1 };

async function until(load: Load, enough: (stats: Snapshot) => boolean): Promise<Summary> {
  await reached(load, enough);
  return load.stop();
}

async function reached(load: Load, enough: (stats: Snapshot) => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!enough(load.stats())) {
    if (performance.now() > deadline) assert.fail(`never: ${JSON.stringify(load.stats())}`);
    await sleep(5);
  }
}

async function run(
  talk: Talk,
  options: Omit<LoadOptions, 'target'>,
  enough: (stats: Snapshot) => boolean,
): Promise<Summary & { readonly requests: number }> {
  const { port, requests } = await serve(talk);
  const summary = await until(begin({ target: { host: '127.0.0.1', port }, ...options }), enough);
  return { ...summary, requests: requests() };
}

const plain = (talk: Talk, client: Partial<HttpClients> = {}) =>
  run(talk, { clients: [{ ...GET, ...client }] }, ({ answered, failed }) => answered + failed >= 4);

describe('requests', () => {
  test('are never sent twice, whatever becomes of them', async () => {
    const talk: Talk = (socket, _, count) => {
      if (count % 3 === 0) socket.resetAndDestroy();
      else socket.write(OK);
    };
    for (const kind of ['keep-alive', 'per-request'] as const)
      for (const method of ['GET', 'POST'] as const) {
        const clients = [{ ...GET, kind, method, count: 4 }];
        const summary = await run(talk, { clients }, ({ sent }) => sent >= 60);
        assert.equal(summary.requests, summary.sent, `${kind} ${method}`);
        assert.equal(summary.answered + summary.failed, summary.sent);
        assert.equal(summary.inFlight, 0);
        assert.equal(summary.failed > 0, kind === 'keep-alive');
      }
  });

  test('on a connection that the server closes with notice, or while it is idle, are no failures', async () => {
    const notice = await plain((socket) => socket.end(OK.replace('\r\n', '\r\nConnection: close\r\n')));
    assert.deepEqual(notice.reasons, {});
    const talk: Talk = (socket) => {
      socket.write(OK);
      setTimeout(() => socket.end(), 5);
    };
    const idle = await plain(talk, { thinkMs: 300 });
    assert.deepEqual(idle.reasons, {});
    assert(idle.idleCloses >= 3, `${idle.idleCloses} idle closes`);
  });

  test('closed before a byte of the response are told apart by whether the connection had served', async () => {
    const first = await plain((socket) => socket.destroy());
    assert.deepEqual(Object.keys(first.reasons), ['closed']);
    const later = await plain((socket, _, count) => (count > 1 ? socket.destroy() : socket.write(OK)));
    assert.deepEqual(Object.keys(later.reasons), ['closed-idle']);
    assert(later.failures.every(({ reused, path, method }) => reused && path === '/' && method === 'GET'));
  });

  const bad: readonly (readonly [string, string, Talk])[] = [
    ['closed', 'a body cut short', (socket) => socket.end(OK.slice(0, -1))],
    [
      'closed',
      'a chunked body without its end',
      (socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'),
    ],
    ['status', 'a 503', (socket) => socket.write('HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n')],
    [
      'status',
      'a 404 that nobody expects',
      (socket) => socket.write('HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n'),
    ],
    ['malformed', 'bytes after the response', (socket) => socket.write(`${OK}x`)],
    [
      'malformed',
      'two framings',
      (socket) =>
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'),
    ],
    [
      'malformed',
      'a chunk longer than its size',
      (socket) =>
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n'),
    ],
    [
      'body',
      'a body that is not what its digest says',
      (socket) => socket.write(OK.replace('\r\n', `\r\nContent-Digest: sha-256=:${digest('other')}:\r\n`)),
    ],
    ['timeout', 'no response', () => undefined],
  ];
  for (const [reason, what, talk] of bad)
    test(`fail with "${reason}" on ${what}`, async () => {
      const clients = [{ ...GET }];
      // A time that passes before an answer which is only late would be another reason.
      const limit = reason === 'timeout' ? { timeoutMs: 300 } : {};
      const summary = await run(talk, { clients, ...limit }, ({ failed }) => failed >= 2);
      assert.deepEqual(Object.keys(summary.reasons), [reason]);
      assert.equal(summary.answered, 0);
      assert.equal(summary.clean, false);
    });

  test('fail with "refused" where nothing listens, and with "reset" in the middle of a response', async () => {
    const { port } = await serve((socket) => socket.write(OK.slice(0, -1), () => socket.resetAndDestroy()));
    const target = { host: '127.0.0.1', port };
    const reset = await until(begin({ target, clients: [GET] }), ({ failed }) => failed > 0);
    assert.deepEqual(Object.keys(reset.reasons), ['reset']);
    const nowhere = { host: '127.0.0.1', port: 1 };
    const refused = await until(begin({ target: nowhere, clients: [GET] }), ({ failed }) => failed > 0);
    assert.equal(refused.failures[0]?.code, 'ECONNREFUSED');
  });

  test('have their longest time in the window in which they ended', async () => {
    let slow = false;
    const { port } = await serve((socket) => setTimeout(() => socket.write(OK), slow ? 400 : 0));
    const load = begin({ target: { host: '127.0.0.1', port }, clients: [GET] });
    await reached(load, ({ answered }) => answered >= 3);
    await load.mark('slow');
    slow = true;
    const before = load.stats().answered;
    const { windows, answered } = await until(load, (stats) => stats.answered >= before + 3);
    assert.deepEqual(
      windows.map(({ name }) => name),
      ['start', 'slow'],
    );
    assert((windows[1]?.latency?.maxMs ?? 0) >= 395);
    assert.equal((windows[0]?.answered ?? 0) + (windows[1]?.answered ?? 0), answered);
  });

  test('that were due while the server stalled have waited since then', async () => {
    const { port } = await serve((socket, _, count) =>
      setTimeout(() => socket.write(OK), count === 1 ? 500 : 0),
    );
    const clients = [{ ...GET, everyMs: 50 }];
    const summary = await until(
      begin({ target: { host: '127.0.0.1', port }, clients }),
      (s) => s.answered >= 8,
    );
    // Eight requests, 50 ms apart, behind a stall of 500 ms: half of them waited longer than 200 ms.
    assert((summary.windows[0]?.latency?.p50Ms ?? 0) > 200, JSON.stringify(summary.windows));
  });
});

describe('streams', () => {
  const upgrade = (request: string): string => {
    const key = /^sec-websocket-key: (.*)$/im.exec(request)?.[1] ?? '';
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    return `HTTP/1.1 101 Up\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
  };
  const close = (code: number) => Buffer.from([0x88, 2, code >> 8, code & 0xff]);
  const websocket = { count: 1, echoEveryMs: null };

  test('a WebSocket closed with 1012 comes back and nothing is wrong', async () => {
    const talk: Talk = (socket, request) => {
      socket.write(upgrade(request));
      socket.write(close(1012));
      socket.on('data', () => socket.end());
    };
    const { streams, clean } = await run(talk, { websocket }, (s) => s.streams.websocket.told >= 3);
    assert.equal(clean, true);
    assert.equal(streams.websocket.opened, 1);
    assert(streams.websocket.reconnected >= 2);
  });

  const endings: readonly (readonly [string, (socket: Socket) => void])[] = [
    ['close-code', (socket) => socket.write(close(1011))],
    ['closed', (socket) => socket.end()],
    ['reset', (socket) => setTimeout(() => socket.resetAndDestroy(), 20)],
    ['lost', (socket) => socket.write(Buffer.from('\x81\x06echo 9', 'latin1'))],
  ];
  for (const [reason, end] of endings)
    test(`a WebSocket that ends otherwise is broken: ${reason}`, async () => {
      const talk: Talk = (socket, request) => {
        socket.write(upgrade(request));
        end(socket);
      };
      const summary = await run(talk, { websocket }, (s) => s.streams.websocket.broken >= 2);
      assert.deepEqual(Object.keys(summary.reasons), [reason]);
      assert.equal(summary.clean, false);
    });

  const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
  const events = (...ids: number[]) => {
    const text = ids.map((id) => `id: ${id}\ndata: x\n\n`).join('');
    return `${text.length.toString(16)}\r\n${text}\r\n`;
  };
  const lastId = (request: string) => Number(/^last-event-id: (\d+)$/im.exec(request)?.[1] ?? 0);

  test('an event stream that is ended comes back with the last id it saw whole', async () => {
    const talk: Talk = (socket, request) => {
      const next = lastId(request) + 1;
      const cutOff = `id: ${next + 2}\nda`;
      socket.write(`${HEAD}${events(next, next + 1)}${cutOff.length.toString(16)}\r\n${cutOff}\r\n0\r\n\r\n`);
    };
    const { streams, clean } = await run(talk, { sse: { count: 1 } }, (s) => s.streams.sse.told >= 3);
    assert.equal(clean, true);
    assert(streams.sse.messages >= 6);
  });

  test('an event stream that is cut, or misses or repeats an event, is broken', async () => {
    const bad: readonly (readonly [string, Talk])[] = [
      ['closed', (socket) => socket.end(`${HEAD}${events(1)}`)],
      ['lost', (socket) => socket.write(`${HEAD}${events(1, 3)}`)],
      [
        'duplicated',
        (socket, request) => socket.write(`${HEAD}${events(1 + lastId(request), 1 + lastId(request))}`),
      ],
    ];
    for (const [reason, talk] of bad) {
      const summary = await run(talk, { sse: { count: 1 } }, (s) => s.streams.sse.broken >= 1);
      assert.equal(Object.keys(summary.reasons)[0], reason);
    }
  });
});

test('a visitor notices that the cart lost something', async () => {
  const shop = await startShop();
  open.push(() => shop.remove());
  const load = begin({
    target: { host: '127.0.0.1', port: shop.port },
    sessions: { count: 2, thinkMs: 1 },
  });
  await reached(load, ({ answered }) => answered >= 50);
  assert.deepEqual(load.stats().reasons, {});
  await rename(join(shop.dataDir, 'carts'), join(shop.dataDir, 'gone'));
  const summary = await until(load, ({ failed }) => failed > 0);
  // Without the folder adds fail first; what counts is that no look at the cart passes for a good one.
  assert((summary.reasons.lost ?? 0) > 0, JSON.stringify(summary.reasons));
});

test('a process of its own makes the same load and ends with its summary', async () => {
  const { port, requests } = await serve((socket) => socket.write(OK));
  const target = { host: '127.0.0.1', port };
  const load = await startLoadProcess({ target, clients: [{ ...GET, count: 2 }] });
  await reached(load, ({ answered }) => answered >= 20);
  await load.mark('second');
  const summary = await load.stop();
  assert.equal(summary.clean, true);
  assert.equal(summary.sent, requests());
  assert.deepEqual(
    summary.windows.map(({ name }) => name),
    ['start', 'second'],
  );
});

test('however a response is split into pieces, it reads the same', () => {
  const body = 'a body of a few words, sent whole or in chunks';
  const chunked = [body.slice(0, 7), body.slice(7, 30), body.slice(30)]
    .map((piece) => `${piece.length.toString(16)};x=1\r\n${piece}\r\n`)
    .join('');
  const responses = [
    `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}0\r\nT: 1\r\n\r\n`,
  ];
  fc.assert(
    fc.property(fc.constantFrom(...responses), fc.array(fc.nat(200), { maxLength: 12 }), (response, cuts) => {
      let read = '';
      let status = 0;
      const reader = new ResponseReader({
        head: (head) => (status = head.status),
        data: (chunk) => (read += chunk.toString()),
      });
      const points = [0, ...cuts.toSorted((a, b) => a - b), response.length];
      for (const [index, from] of points.slice(0, -1).entries())
        reader.push(Buffer.from(response.slice(from, points[index + 1])));
      assert.deepEqual({ read, status, done: reader.done }, { read: body, status: 200, done: true });
    }),
  );
});

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}

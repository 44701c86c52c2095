/**
 * Hunts an HTTP/2 side that is another gateway than the HTTP/1.1 side: streams that are lost at a drain, requests
 * that are smuggled through the translation, resets that do not reach the instance, bodies that pile up.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2, { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2';
import { test, type TestContext } from 'node:test';
import { eventually } from '../contract/eventually.ts';
import { backendOf, RawClient, startApp, startGateway, startRaw } from './gateway-harness.ts';
import { FLAG, FRAME, frame, FrameClient, literal, requestFields, uint32 } from './http2-frames.ts';

function connect(t: TestContext, port: number, options: http2.ClientSessionOptions = {}): ClientHttp2Session {
  const session = http2.connect(`http://127.0.0.1:${port}`, options);
  session.on('error', () => undefined);
  t.after(() => session.destroy());
  return session;
}

/** In the head of a frame. */
const FRAME_TYPE_AT = 3;

interface Answer {
  readonly status: number;
  readonly headers: http2.IncomingHttpHeaders;
  readonly trailers: http2.IncomingHttpHeaders;
  readonly body: string;
}

function read(stream: ClientHttp2Stream): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let headers: http2.IncomingHttpHeaders & http2.IncomingHttpStatusHeader = {};
    let trailers: http2.IncomingHttpHeaders = {};
    let body = '';
    stream.setEncoding('latin1');
    stream.on('response', (got) => (headers = got));
    stream.on('trailers', (got) => (trailers = got));
    stream.on('data', (part: string) => (body += part));
    stream.once('error', reject);
    stream.once('close', () => {
      if (stream.rstCode === constants.NGHTTP2_NO_ERROR)
        resolve({ status: headers[':status'] ?? 0, headers, trailers, body });
      else reject(new Error(`reset ${stream.rstCode}`));
    });
  });
}

const get = (session: ClientHttp2Session, path = '/', more: http2.OutgoingHttpHeaders = {}) =>
  read(session.request({ ':path': path, ...more }));

test('a request and its answer, many at once on one connection', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a', (req, res) => {
    res.setHeader('x-seen', JSON.stringify([req.httpVersion, req.url, req.headers]));
    res.end(`hello ${req.url}`);
  });
  await gateway.route({ backends: [backendOf(app)] });
  const session = connect(t, gateway.port);
  const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => get(session, `/n${n}`)));
  assert.deepEqual(
    answers.map(({ status, body }) => `${status} ${body}`),
    Array.from({ length: 60 }, (_, n) => `200 hello /n${n}`),
  );
  const seen = String(answers[0]?.headers['x-seen']);
  assert.match(seen, /"host":"127\.0\.0\.1:\d+"/);
  assert.equal(answers[0]?.headers['connection'], undefined);
  await eventually('it to be so', () => gateway.counts('a')?.answered[0] === 60);
  assert.equal(gateway.counts('a')?.requests, 60);
});

test('bodies both ways, with their lengths, their bytes and their trailers', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a', (req, res) => {
    const parts: Buffer[] = [];
    req.on('data', (part: Buffer) => parts.push(part));
    req.on('end', () => {
      res.writeHead(200, { 'x-length': req.headers['content-length'] ?? 'none', trailer: 'x-sum' });
      res.addTrailers({
        'x-sum': String(Buffer.concat(parts).length),
        'x-got': req.trailers['x-end'] ?? '-',
      });
      res.end(Buffer.concat(parts));
    });
  });
  await gateway.route({ backends: [backendOf(app)] });
  const session = connect(t, gateway.port);
  const body = 'é'.repeat(300_000);
  const stream = session.request({ ':method': 'POST' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes' }));
  stream.end(body, 'latin1');
  const answer = await read(stream);
  assert.equal(answer.body, body);
  assert.equal(answer.headers['x-length'], 'none');
  assert.deepEqual([answer.trailers['x-sum'], answer.trailers['x-got']], ['300000', 'yes']);
  const sized = session.request({ ':method': 'PUT', 'content-length': 5 });
  sized.end('12345');
  assert.equal((await read(sized)).headers['x-length'], '5');
});

test('HEAD, 204, 304, an interim answer and cookies in crumbs', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a', (req, res) => {
    if (req.url === '/early') res.writeEarlyHints({ link: '</style.css>; rel=preload' });
    res.writeHead(req.url === '/204' ? 204 : req.url === '/304' ? 304 : 200, {
      'x-cookie': req.headers.cookie ?? '',
      'set-cookie': ['a=1', 'b=2'],
      ...(req.method === 'HEAD' ? { 'content-length': '77' } : {}),
    });
    res.end();
  });
  await gateway.route({ backends: [backendOf(app)] });
  const session = connect(t, gateway.port);
  const head = await get(session, '/', { ':method': 'HEAD' });
  assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, '77', '']);
  assert.equal((await get(session, '/204')).status, 204);
  assert.equal((await get(session, '/304')).status, 304);
  const crumbs = await get(session, '/', { cookie: ['x=1', 'y=2'] });
  assert.equal(crumbs.headers['x-cookie'], 'x=1; y=2');
  assert.deepEqual(crumbs.headers['set-cookie'], ['a=1', 'b=2']);
  const stream = session.request({ ':path': '/early' });
  const early = once(stream, 'headers');
  const answer = read(stream);
  const [interim] = await early;
  assert.equal(interim[':status'], 103);
  assert.equal((await answer).status, 200);
});

test('two hosts, a line break and fields of one connection are refused (T6)', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a');
  await gateway.route({ backends: [backendOf(app)] });
  const session = connect(t, gateway.port);
  const two = await get(session, '/', { ':authority': 'one.example', host: 'two.example' });
  assert.equal(two.status, 400);
  assert.equal(two.headers['segue-error'], 'not-clear');
  await assert.rejects(get(session, '/a b'), /PROTOCOL_ERROR/);
  assert.equal((await get(session, '/', { content_length: '5' })).status, 400);
  assert.equal((await get(session, '/')).status, 200);
  await gateway.plane.freshReport();
  assert.equal(gateway.counts('a')?.requests, 1);
});

test('a client that gives a stream up cancels it at the instance, and no other', async (t) => {
  const gateway = await startGateway(t);
  let closed = 0;
  let begun = 0;
  const app = await startApp(t, 'a', (req, res) => {
    if (req.url !== '/slow') return void res.end('fine');
    begun += 1;
    req.socket.once('close', () => (closed += 1));
  });
  await gateway.route({ backends: [backendOf(app)] });
  const session = connect(t, gateway.port);
  const slow = session.request({ ':path': '/slow' });
  slow.on('error', () => undefined);
  await eventually('it to be so', () => begun === 1);
  slow.close(constants.NGHTTP2_CANCEL);
  await eventually('it to be so', () => closed === 1);
  assert.equal((await get(session)).body, 'fine');
  await eventually('it to be so', () => gateway.counts('a')?.abandoned === 1);
});

test('an instance that breaks off resets the stream: never a short response that looks whole', async (t) => {
  const gateway = await startGateway(t);
  const raw = await startRaw(t, 'a', (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf');
      setTimeout(() => socket.destroy(), 50);
    });
  });
  await gateway.route({ backends: [backendOf(raw)] });
  const session = connect(t, gateway.port);
  await assert.rejects(get(session), /reset|INTERNAL_ERROR/);
  await eventually('it to be so', () => gateway.counts('a')?.failed === 1);
});

test('an instance that resets without an error has answered whole if it said so, and else has not', async (t) => {
  const gateway = await startGateway(t);
  const reset = frame(FRAME.reset, FLAG.none, 1, uint32(constants.NGHTTP2_NO_ERROR));
  const asked = frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1).subarray(FRAME_TYPE_AT);
  const part = (flags: number) => frame(FRAME.data, flags, 1, Buffer.from('half'));
  const answers = [
    [part(FLAG.none), reset],
    [part(FLAG.endStream), reset],
    [
      part(FLAG.none),
      frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, literal('x-end', 'yes')),
      reset,
    ],
  ];
  const app = await startRaw(t, 'a', (socket) => {
    socket.write(frame(FRAME.settings, FLAG.none, 0));
    let heard = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      heard = Buffer.concat([heard, chunk]);
      if (!heard.includes(asked)) return;
      heard = Buffer.alloc(0);
      const head = frame(FRAME.headers, FLAG.endHeaders, 1, literal(':status', '200'));
      socket.write(Buffer.concat([frame(FRAME.settings, FLAG.ack, 0), head, ...(answers.shift() ?? [])]));
    });
  });
  const ask = async () => {
    // Each on a connection of its own, whose first stream it is.
    await gateway.route({ backends: [] });
    await gateway.route({ backends: [backendOf(app)], protocol: 'h2c' });
    const client = new RawClient(t, gateway.port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    return client.untilEnd();
  };
  assert.match(await ask(), /\r\n4\r\nhalf\r\n$/);
  assert.match(await ask(), /\r\n4\r\nhalf\r\n0\r\n\r\n$/);
  assert.match(await ask(), /\r\n4\r\nhalf\r\n0\r\nx-end: yes\r\n\r\n$/);
});

test('a connection that its client ends or closes in the middle of a stream is counted no more', async (t) => {
  const gateway = await startGateway(t);
  const app = await startRaw(t, 'a', (socket) => void socket.resume());
  await gateway.route({ backends: [backendOf(app)] });
  const connections = () => gateway.plane.report()?.gateway.connections;
  const clients = ['end', 'destroy', 'resetAndDestroy'] as const;
  for (const leave of clients) {
    const client = new FrameClient(t, gateway.port);
    client.send(frame(FRAME.headers, FLAG.endHeaders | FLAG.endStream, 1, requestFields()));
    await eventually(`it is under way: ${leave}`, () => gateway.counts('a')?.inFlight === 1);
    client.socket[leave]();
    await eventually(`it is gone: ${leave}`, () => connections() === 0);
    await eventually(`it is let go: ${leave}`, () => gateway.counts('a')?.inFlight === 0);
  }
});

test('a client that does not read holds kilobytes, not the body', async (t) => {
  const gateway = await startGateway(t);
  let sent = 0;
  const app = await startApp(t, 'a', (_req, res) => {
    const chunk = Buffer.alloc(64 * 1024);
    const more = () => {
      while (sent < 200 * 1024 * 1024) {
        sent += chunk.length;
        if (!res.write(chunk)) return void res.once('drain', more);
      }
      res.end();
    };
    more();
  });
  await gateway.route({ backends: [backendOf(app)] });
  const session = connect(t, gateway.port);
  const stream = session.request({ ':path': '/' });
  stream.on('error', () => undefined);
  await once(stream, 'response');
  let before = -1;
  // Until nothing moves any more.
  await eventually('nothing to move any more', async () => {
    const was = before;
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 300));
    return was === sent;
  });
  assert.ok(sent < 32 * 1024 * 1024, `${sent} bytes left the instance`);
  stream.close();
});

test('a drain of the gateway loses no stream: GOAWAY first, then what came before it is served (T3)', async (t) => {
  const gateway = await startGateway(t);
  const held: (() => void)[] = [];
  const app = await startApp(t, 'a', (_req, res) => void held.push(() => res.end('served')));
  await gateway.route({ backends: [backendOf(app)] });
  const sessions = Array.from({ length: 5 }, () => connect(t, gateway.port));
  const inFlight = sessions.flatMap((session) => [get(session), get(session)]);
  await eventually('it to be so', () => held.length === 10);
  const told = sessions.map((session) => once(session, 'goaway'));
  const stopped = gateway.plane.stop(20_000);
  // The number of the first GOAWAY promises to serve what is on its way.
  const late = sessions.map(async (session) => {
    await told[sessions.indexOf(session)];
    return session.closed || session.destroyed ? 'none' : get(session).catch(String);
  });
  for (const goaway of told) assert.equal((await goaway)[0], constants.NGHTTP2_NO_ERROR);
  const free = setInterval(() => held.splice(0).forEach((end) => end()), 20);
  t.after(() => clearInterval(free));
  for (const answer of await Promise.all(inFlight)) assert.equal(answer.body, 'served');
  await Promise.all(late);
  await stopped;
});

test('a change of routing does not touch a session (T4), and a request waits for its instance (T7)', async (t) => {
  const gateway = await startGateway(t);
  const session = connect(t, gateway.port);
  await gateway.route({ backends: [] });
  const again = connect(t, gateway.port);
  const waiting = get(again);
  const [one, two] = [await startApp(t, 'one'), await startApp(t, 'two')];
  await gateway.route({ backends: [backendOf(one)] });
  assert.equal((await waiting).body, 'one');
  await gateway.route({ backends: [backendOf(two)] });
  assert.equal((await get(again)).body, 'two');
  assert.equal(again.closed, false);
  session.destroy();
});

test('a flood of resets ends the connection it came on (CVE-2023-44487)', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a');
  await gateway.route({ backends: [backendOf(app)] });
  const session = connect(t, gateway.port);
  await get(session);
  const ended = new Promise((resolve) => session.once('close', () => resolve(null)));
  const other = connect(t, gateway.port);
  const flood = setInterval(() => {
    for (let n = 0; n < 100 && !session.closed && !session.destroyed; n += 1) {
      const stream = session.request({ ':path': '/' });
      stream.on('error', () => undefined);
      stream.close(constants.NGHTTP2_CANCEL);
    }
  }, 5);
  t.after(() => clearInterval(flood));
  await ended;
  clearInterval(flood);
  assert.equal((await get(other)).body, 'a');
});

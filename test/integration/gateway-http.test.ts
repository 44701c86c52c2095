/** Hunts what a proxy does to HTTP on its way: lost or changed fields, bodies, trailers, framing, 1xx. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';
import { test } from 'node:test';
import { ask, backendOf, RawClient, startApp, startGateway, startRaw, textOf } from './gateway-harness.ts';
import { eventually } from '../contract/eventually.ts';

test('fields keep names, order and duplicates; those of one connection are left out', async (t) => {
  const gateway = await startGateway(t);
  const app = await startRaw(t, 'a', (socket) => {
    socket.once('data', (chunk) => {
      seen = chunk.toString('latin1');
      socket.write(
        'HTTP/1.1 200 Very Fine\r\nX-One: 1\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\n' +
          'Connection: X-Hop, keep-alive\r\nX-Hop: no\r\nX-Latin: \xe9\r\nContent-Length: 2\r\n\r\nok',
        'latin1',
      );
    });
  });
  let seen = '';
  await gateway.route({ backends: [backendOf(app)] });
  const client = new RawClient(t, gateway.port);
  client.send(
    'POST /p?q=%20 HTTP/1.1\r\nHoSt: Shop.Example:80\r\nX-B: 1\r\nx-a: 2\r\nX-B: 3\r\nTE: trailers\r\n' +
      'Connection: x-secret, host\r\nX-Secret: s\r\nX-Forwarded-For: 9.9.9.9\r\nX-Latin: \xe9\r\nContent-Length: 4\r\n\r\nbody',
  );
  const answer = await client.until((text) => text.endsWith('ok'), 'answered');
  assert.equal(
    seen.replace(/[0-9a-f]{32}-[0-9a-f]{16}-01|[0-9a-f]{32}/g, 'ID'),
    'POST /p?q=%20 HTTP/1.1\r\nHoSt: Shop.Example:80\r\nX-B: 1\r\nx-a: 2\r\nX-B: 3\r\nX-Latin: \xe9\r\n' +
      'Content-Length: 4\r\nX-Forwarded-For: 9.9.9.9, 127.0.0.1\r\nX-Forwarded-Host: Shop.Example:80\r\n' +
      `X-Forwarded-Port: ${gateway.port}\r\nX-Forwarded-Proto: http\r\n` +
      'Forwarded: for=127.0.0.1;proto=http;host="Shop.Example:80"\r\nX-Request-Id: ID\r\ntraceparent: 00-ID\r\n' +
      'Via: 1.1 segue\r\nConnection: keep-alive\r\n\r\nbody',
  );
  assert.match(
    answer,
    /^HTTP\/1.1 200 Very Fine\r\nX-One: 1\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nX-Latin: \xe9\r\nContent-Length: 2\r\nVia: 1.1 segue\r\n/,
  );
  assert.doesNotMatch(answer, /x-hop/i);
});

test('a megabyte each way, with length and chunked, over one kept connection', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a', (req, res) => {
    const hash = createHash('sha256');
    req.on('data', (chunk: Buffer) => hash.update(chunk));
    req.once('end', () => {
      res.setHeader('digest', hash.digest('hex'));
      res.end(big);
    });
  });
  const big = randomBytes(1024 * 1024);
  const digest = createHash('sha256').update(big).digest('hex');
  await gateway.route({ backends: [backendOf(app)] });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (const headers of [{ 'Content-Length': big.length }, { 'Transfer-Encoding': 'chunked' }]) {
    const answer = await ask(gateway.port, { method: 'POST', headers, body: big, agent });
    assert.equal(answer.headers.digest, digest);
    assert.ok(answer.body.equals(big));
  }
});

test('trailers, HEAD, 204 and 304 keep their meaning', async (t) => {
  const gateway = await startGateway(t);
  let requestTrailers: NodeJS.Dict<string> = {};
  const app = await startApp(t, 'a', (req, res) => {
    req.resume().once('end', () => {
      requestTrailers = req.trailers;
      if (req.url === '/trailers') {
        res.writeHead(200, { Trailer: 'X-Sum' });
        res.write('part');
        res.addTrailers({ 'X-Sum': '42' });
        res.end();
      } else if (req.url === '/head') res.writeHead(200, { 'Content-Length': '1000' }).end();
      else res.writeHead(Number(req.url?.slice(1)), { ETag: '"e"' }).end();
    });
  });
  await gateway.route({ backends: [backendOf(app)] });
  const { port } = gateway;
  assert.deepEqual({ ...(await ask(port, { path: '/trailers' })).trailers }, { 'x-sum': '42' });
  const client = new RawClient(t, port);
  client.send(
    'POST /204 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n3\r\nabc\r\n0\r\nX-T: 7\r\n\r\n',
  );
  const answer = await client.until((text) => text.includes('\r\n\r\n'), 'answered');
  assert.match(answer, /^HTTP\/1.1 204 /);
  assert.doesNotMatch(answer, /content-length|transfer-encoding/i);
  assert.equal(requestTrailers['x-t'], '7');
  const head = await ask(port, { path: '/head', method: 'HEAD' });
  assert.equal(head.headers['content-length'], '1000');
  assert.equal((await ask(port, { path: '/304' })).status, 304);
});

test('100-continue comes from the instance, and a final answer instead of it closes', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a');
  app.server.on('checkContinue', (req: http.IncomingMessage, res: http.ServerResponse) => {
    if (req.url === '/no') res.writeHead(413).end('too much');
    else {
      res.writeContinue();
      req.on('data', (chunk: Buffer) => res.write(chunk)).once('end', () => res.end());
    }
  });
  await gateway.route({ backends: [backendOf(app)] });
  const head = (path: string) =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`;
  const yes = new RawClient(t, gateway.port);
  yes.send(head('/yes'));
  await yes.until((text) => text === 'HTTP/1.1 100 Continue\r\n\r\n', 'told to continue');
  yes.send('body');
  await yes.until((text) => text.includes('body'), 'answered');
  const no = new RawClient(t, gateway.port);
  no.send(head('/no'));
  const refused = await no.untilEnd();
  assert.match(refused, /^HTTP\/1.1 413 [^]*Connection: close/);
});

test('a client that was told to continue is told what came of it when its instance dies', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a');
  app.server.on('checkContinue', (req: http.IncomingMessage, res: http.ServerResponse) => {
    res.writeContinue();
    req.once('data', () => req.socket.destroy());
  });
  await gateway.route({ backends: [backendOf(app)] });
  const client = new RawClient(t, gateway.port);
  client.send('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n');
  await client.until((text) => text.endsWith('Continue\r\n\r\n'), 'told to continue');
  client.send('body');
  await client.until(
    (text) => /HTTP\/1.1 502 [^]*Segue-Error: instance-failed/.test(text),
    'told what came of it',
  );
});

test('a client of HTTP/1.0 that names no host is served as it would be without the gateway', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a', (req, res) => res.end(`[${req.httpVersion} ${req.headers.host}]`));
  await gateway.route({ backends: [backendOf(app)] });
  for (const fields of ['', 'X-Request-Id: 12345678\r\n']) {
    const client = new RawClient(t, gateway.port);
    client.send(`GET / HTTP/1.0\r\n${fields}\r\n`);
    assert.match(await client.untilEnd(), /^HTTP\/1.1 200 [^]*\[1.1 \]$/);
  }
});

test('103 early hints go through before the answer', async (t) => {
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a', (_req, res) => {
    res.writeEarlyHints({ link: '</style.css>; rel=preload' });
    res.end('ok');
  });
  await gateway.route({ backends: [backendOf(app)] });
  const client = new RawClient(t, gateway.port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const answer = await client.until((text) => text.includes('ok'), 'answered');
  assert.match(answer, /^HTTP\/1.1 103 [^]*link: <\/style.css>; rel=preload\r\n\r\nHTTP\/1.1 200/i);
});

test('what can be read in two ways is refused (T6)', async (t) => {
  const gateway = await startGateway(t);
  let reached = 0;
  const app = await startApp(t, 'a', (_req, res) => {
    reached += 1;
    res.end('reached');
  });
  await gateway.route({ backends: [backendOf(app)] });
  const requests: Record<string, string> = {
    'length and chunked':
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'two lengths': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd',
    'unknown coding': 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n',
    'two codings': 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    'chunked not last': 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n',
    'space before colon': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 3\r\n\r\nabc',
    'folded field': 'GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n Transfer-Encoding: chunked\r\n\r\n',
    'bare line feeds in a chunk size':
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n',
    'signed length': 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc',
    'no host': 'GET / HTTP/1.1\r\n\r\n',
    'two hosts': 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
    'host with a path': 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n',
    'target and host differ': 'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n',
  };
  for (const [name, request] of Object.entries(requests)) {
    const client = new RawClient(t, gateway.port);
    client.send(request);
    assert.match(await client.untilEnd(), /^HTTP\/1.1 (400|501) /, name);
  }
  assert.equal(reached, 0);
  const long = new RawClient(t, gateway.port);
  long.send(`GET / HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(40_000)}\r\n\r\n`);
  assert.match(await long.untilEnd(), /^HTTP\/1.1 431 /);
  const absolute = new RawClient(t, gateway.port);
  absolute.send('GET http://a/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(await absolute.untilEnd(), /^HTTP\/1.1 200 [^]*reached$/);
});

test('an answer that is cut short is seen as cut short', async (t) => {
  const gateway = await startGateway(t);
  const app = await startRaw(t, 'a', (socket) => {
    socket.on('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n', () =>
        socket.destroy(),
      );
    });
  });
  await gateway.route({ backends: [backendOf(app)] });
  await assert.rejects(ask(gateway.port, { agent: new http.Agent() }), /aborted|hang up|ECONNRESET/);
  await eventually('the failure is counted', () => gateway.counts('a')?.failed === 1);
});

for (const when of ['before the head', 'inside the body']) {
  test(`a client that leaves ${when} frees the instance`, async (t) => {
    const gateway = await startGateway(t);
    let left = false;
    const app = await startApp(t, 'a', (req, res) => {
      req.resume();
      if (when === 'inside the body') res.write('part');
      req.socket.once('close', () => (left = true));
    });
    await gateway.route({ backends: [backendOf(app)] });
    const client = new RawClient(t, gateway.port);
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    if (when === 'inside the body') await client.until((text) => text.includes('part'), 'began');
    else await eventually('it is under way', () => gateway.counts('a')?.inFlight === 1);
    client.socket.destroy();
    await eventually('the instance sees it', () => left);
    await eventually('it is counted', () => gateway.counts('a')?.abandoned === 1);
    assert.equal(gateway.counts('a')?.inFlight, 0);
  });
}

test('a response head that is late is a 504, a refused connection with no hold a 502', async (t) => {
  const gateway = await startGateway(t);
  const silent = await startApp(t, 'silent', () => undefined);
  await gateway.route({ backends: [backendOf(silent)], responseMs: 100 });
  const late = await ask(gateway.port);
  assert.equal(late.status, 504);
  assert.equal(late.headers['segue-error'], 'instance-late');
  silent.kill();
  await gateway.route({ backends: [backendOf(silent)], hold: { forMs: 0, requestsMax: 10 } });
  const refused = await ask(gateway.port);
  assert.equal(refused.status, 502);
  assert.equal(refused.headers['segue-error'], 'instance-unreachable');
});

test('host, path and preview decide who gets it; nobody is a 404', async (t) => {
  const gateway = await startGateway(t);
  const [shop, api, next] = await Promise.all(['shop', 'api', 'next'].map((id) => startApp(t, id)));
  assert.ok(shop && api && next);
  await gateway.route(
    {
      service: 'shop',
      routes: [{ host: 'shop.test', path: '/' }],
      backends: [backendOf(shop), backendOf(next)],
      split: [
        { group: 'stable', version: 'v1', percent: 100, backends: ['shop'] },
        { group: 'candidate', version: 'v2', percent: 0, backends: ['next'] },
      ],
      rules: [
        {
          name: 'preview',
          match: { type: 'header', name: 'X-Preview', value: { type: 'exact', text: 'yes' } },
          percent: 100,
          group: 'candidate',
        },
      ],
    },
    { service: 'api', routes: [{ host: 'shop.test', path: '/api' }], backends: [backendOf(api)] },
  );
  const get = (host: string, path: string, headers = {}) =>
    ask(gateway.port, { path, headers: { host, ...headers } });
  assert.equal(await textOf(get('shop.test', '/')), 'shop');
  assert.equal(await textOf(get('SHOP.test:80', '/api/x?y')), 'api');
  assert.equal(await textOf(get('shop.test', '/apix')), 'shop');
  assert.equal(await textOf(get('shop.test', '/', { 'x-preview': 'yes' })), 'next');
  assert.equal(await textOf(get('shop.test', '/', { 'x-preview': 'no' })), 'shop');
  assert.equal((await get('other.test', '/')).status, 404);
});

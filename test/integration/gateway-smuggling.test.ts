/**
 * Hunts requests smuggled past the gateway (T6): each known way of making two readers disagree on where a request
 * ends, in front of an instance that is lenient on purpose. It must never see a request that no client sent.
 */
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { DEFAULT_POLICY } from '../../src/core/traffic/policy.ts';
import { backendOf, type Harness, RawClient, startApp, startGateway, startRaw } from './gateway-harness.ts';
import { eventually } from '../contract/eventually.ts';

/** Everything that the instance received, connection by connection. */
interface Lenient {
  readonly gateway: Harness;
  readonly received: string[];
}

/**
 * Answers after anything that looks like the end of a head, however lines end, and reads no body: what the gateway
 * lets through is in `received` as it came.
 */
async function startLenient(t: TestContext): Promise<Lenient> {
  const gateway = await startGateway(t);
  const received: string[] = [];
  const app = await startRaw(t, 'a', (socket: Socket) => {
    const at = received.push('') - 1;
    socket.on('data', (chunk: Buffer) => {
      const before = received[at] ?? '';
      received[at] = before + chunk.toString('latin1');
      if (!/\n\r?\n/.test(before)) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  });
  await gateway.route({ backends: [backendOf(app)], responseMs: 2_000 });
  return { gateway, received };
}

const POST = 'POST / HTTP/1.1\r\nHost: a\r\n';
const EVIL = 'GET /evil HTTP/1.1\r\nHost: a\r\n\r\n';
const chunkedAnd = (line: string) => `${POST}Transfer-Encoding: chunked\r\n${line}\r\n\r\n0\r\n\r\n${EVIL}`;
const lengthAnd = (line: string) => `${POST}Content-Length: 5\r\n${line}\r\n\r\n0\r\n\r\n${EVIL}`;
const coded = (line: string) => `${POST}${line}\r\n\r\n0\r\n\r\n${EVIL}`;
const chunks = (body: string) => `${POST}Transfer-Encoding: chunked\r\n\r\n${body}`;

/** Refused before the instance sees anything. */
const REFUSED: Readonly<Record<string, string>> = {
  'CL.TE': `${POST}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG`,
  'TE.CL': `${POST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n5c\r\n${EVIL}\r\n0\r\n\r\n`,
  'TE.TE, doubled': chunkedAnd('Transfer-Encoding: identity'),
  'TE.TE, the same twice': chunkedAnd('Transfer-Encoding: chunked'),
  'TE with a space before the colon': lengthAnd('Transfer-Encoding : chunked'),
  'TE with a tab before the colon': lengthAnd('Transfer-Encoding\t: chunked'),
  'TE after a blank': lengthAnd(' Transfer-Encoding: chunked'),
  'TE on a folded line': lengthAnd('X: y\r\n\tTransfer-Encoding: chunked'),
  'TE with a vertical tab': coded('Transfer-Encoding: \x0bchunked'),
  'TE in quotes': coded('Transfer-Encoding: "chunked"'),
  'TE with a parameter': coded('Transfer-Encoding: chunked;q=1'),
  'TE with a comma': coded('Transfer-Encoding: chunked,'),
  'TE xchunked': coded('Transfer-Encoding: xchunked'),
  'TE chunked, identity': coded('Transfer-Encoding: chunked, identity'),
  'TE empty': coded('Transfer-Encoding: '),
  'TE in HTTP/1.0': coded('Transfer-Encoding: chunked').replace('1.1', '1.0'),
  'TE with an underscore': lengthAnd('Transfer_Encoding: chunked'),
  'TE in the middle of a line ending in CR': lengthAnd('X: y\rTransfer-Encoding: chunked'),
  'TE after a bare LF': lengthAnd('X: y\nTransfer-Encoding: chunked'),
  'TE with a NUL': lengthAnd('Transfer-Encoding\0: chunked'),
  'CL twice': `${POST}Content-Length: 0\r\nContent-Length: 5\r\n\r\nGET /`,
  'CL twice, equal': `${POST}Content-Length: 5\r\nContent-Length: 5\r\n\r\nGET /`,
  'CL list': `${POST}Content-Length: 5, 5\r\n\r\nGET /`,
  'CL signed': `${POST}Content-Length: +5\r\n\r\nGET /`,
  'CL negative': `${POST}Content-Length: -1\r\n\r\n`,
  'CL hexadecimal': `${POST}Content-Length: 0x5\r\n\r\nGET /`,
  'CL octal': `${POST}Content-Length: 010\r\n\r\nGET /evil`,
  'CL with a blank inside': `${POST}Content-Length: 1 0\r\n\r\nGET /evil`,
  'CL empty': `${POST}Content-Length: \r\n\r\n`,
  'CL too large': `${POST}Content-Length: 18446744073709551621\r\n\r\nGET /`,
  'CL with an underscore': `${POST}Content_Length: 5\r\n\r\nGET /`,
  'CL with a space before the colon': `${POST}Content-Length : 5\r\n\r\nGET /`,
  'no line before the colon': `${POST}: x\r\n\r\n`,
  'bare LF at the end of the head': 'GET / HTTP/1.1\r\nHost: a\n\nGET /evil HTTP/1.1\r\nHost: a\r\n\r\n',
  'bare CR at the end of a line': 'GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n',
  'NUL in a value': 'GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n',
  'two hosts': 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n',
  'host with a user': 'GET / HTTP/1.1\r\nHost: a@b\r\n\r\n',
  'host with a space': 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n',
  'another host in the target': 'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n',
  'a target with a blank': 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n',
  'a line inside the target': 'GET /\r\nHost: b\r\n\r\n HTTP/1.1\r\nHost: a\r\n\r\n',
  'a tab in the request line': 'GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n',
  'two blanks in the request line': 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n',
  'HTTP/0.9': 'GET /\r\n\r\n',
  'HTTP/1.2': 'GET / HTTP/1.2\r\nHost: a\r\n\r\n',
  'lower-case http': 'GET / http/1.1\r\nHost: a\r\n\r\n',
  CONNECT: 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n',
  'CONNECT to a path': 'CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n',
};

/** Refused in the body: the instance may have seen the head, but nothing that it could take for a request. */
const REFUSED_BODY: Readonly<Record<string, string>> = {
  'chunk size with a plus': chunks(`+5\r\nhello\r\n0\r\n\r\n${EVIL}`),
  'chunk size with 0x': chunks(`0x5\r\nhello\r\n0\r\n\r\n${EVIL}`),
  'chunk size with a blank': chunks(`5 \r\nhello\r\n0\r\n\r\n${EVIL}`),
  'chunk size negative': chunks(`-5\r\nhello\r\n0\r\n\r\n${EVIL}`),
  'chunk size empty': chunks(`\r\nhello\r\n0\r\n\r\n${EVIL}`),
  'chunk size that wraps around': chunks(`10000000000000005\r\nhello\r\n0\r\n\r\n${EVIL}`),
  'bare LF after a size': chunks(`5\nhello\r\n0\r\n\r\n${EVIL}`),
  'bare LF after a chunk': chunks(`5\r\nhello\n0\r\n\r\n${EVIL}`),
  'bare CR after a size': chunks(`5\rhello\r\n0\r\n\r\n${EVIL}`),
  'more than the chunk': chunks(`5\r\nhelloXX0\r\n\r\n${EVIL}`),
  'LF in an extension': chunks(`5;\nhello\r\n0\r\n\r\n${EVIL}`),
  'LF in a quoted extension': chunks(`5;a="\n"\r\nhello\r\n0\r\n\r\n${EVIL}`),
  'bare LF in the trailers': chunks(`0\r\nX: y\n\r\n${EVIL}`),
  'a length in the trailers': chunks(`0\r\nContent-Length: 5\r\n\r\n${EVIL}`),
  'a coding in the trailers': chunks(`0\r\nTransfer-Encoding: chunked\r\n\r\n${EVIL}`),
  'a host in the trailers': chunks(`0\r\nHost: b\r\n\r\n${EVIL}`),
};

async function send(t: TestContext, { port }: Harness, bytes: string): Promise<string> {
  const client = new RawClient(t, port);
  client.send(bytes);
  return client.untilEnd();
}

test('every known way of hiding a request in a head is refused, and the connection closed', async (t) => {
  const { gateway, received } = await startLenient(t);
  for (const [name, bytes] of Object.entries(REFUSED)) {
    const answer = await send(t, gateway, bytes);
    assert.match(answer, /^HTTP\/1\.1 (?:400|501|505) [^]*\r\nConnection: close\r\n/, name);
    assert.equal(answer.split('HTTP/1.1 ').length, 2, `${name}: one answer`);
  }
  assert.deepEqual(received, []);
});

test('what is malformed only in the body ends the connection, and nothing after it is a request', async (t) => {
  const { gateway, received } = await startLenient(t);
  for (const [name, bytes] of Object.entries(REFUSED_BODY)) {
    const answer = await send(t, gateway, bytes);
    assert.match(answer, /^(?:HTTP\/1\.1 (?:400|200) |$)/, name);
    assert.ok(answer.split('HTTP/1.1 ').length <= 2, `${name}: one answer at most`);
    assert.doesNotMatch(received.join(''), /evil/, name);
  }
});

test('what is taken out of a body cannot bring a request in', async (t) => {
  const { gateway, received } = await startLenient(t);
  const client = new RawClient(t, gateway.port);
  client.send(chunks('5;a=b;c="d\\"e"\r\nhello\r\n000;x\r\nX-T: 1\r\n\r\n'));
  await client.until((text) => text.endsWith('ok'), 'answered');
  await eventually('the body arrived', () =>
    received.join('').endsWith('5\r\nhello\r\n000\r\nX-T: 1\r\n\r\n'),
  );
});

test('an instance that answered early gets no second request on the connection with half a body', async (t) => {
  const { gateway, received } = await startLenient(t);
  const client = new RawClient(t, gateway.port);
  client.send(`${POST}Content-Length: 60\r\n\r\nhalf`);
  await client.until((text) => text.endsWith('ok'), 'answered');
  const other = new RawClient(t, gateway.port);
  other.send('GET /other HTTP/1.1\r\nHost: a\r\n\r\n');
  await other.until((text) => text.endsWith('ok'), 'answered');
  assert.equal(received.length, 2);
  assert.match(received[1] ?? '', /^GET \/other /);
});

test('h2c is never passed on, whatever is offered beside it', async (t) => {
  const gateway = await startGateway(t);
  let received = '';
  const app = await startRaw(t, 'a', (socket) => {
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    });
  });
  await gateway.route({ backends: [backendOf(app)] });
  for (const offer of ['h2c', 'h2c,', 'websocket, h2c', 'foo/1 ,\tH2C ,bar', 'h2c/2', '']) {
    const client = new RawClient(t, gateway.port);
    const fields = `Connection: Upgrade\r\nUpgrade: ${offer}\r\nHTTP2-Settings: AAMAAABk\r\n`;
    client.send(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
    await client.until((text) => text.endsWith('ok'), 'answered');
  }
  assert.doesNotMatch(received, /upgrade/i);
});

test('a body that was waited for and not sent is not the next request, whoever answered', async (t) => {
  const { gateway } = await startLenient(t);
  const maintenance = { status: 503, contentType: 'text/plain', body: 'soon', retryAfterS: null, allow: [] };
  const routings = [
    { routes: [{ host: 'b', path: '/' }] },
    { hold: { forMs: 0, requestsMax: 0 } },
    { policy: { ...DEFAULT_POLICY, maintenance } },
  ];
  for (const routing of routings) {
    await gateway.route(routing);
    const client = new RawClient(t, gateway.port);
    client.send(`${POST}Expect: 100-continue\r\nContent-Length: ${EVIL.length}\r\n\r\n`);
    const answer = await client.untilEnd();
    assert.match(answer, /^HTTP\/1\.1 [45]\d\d [^]*\r\nConnection: close\r\n/, JSON.stringify(routing));
  }
});

test('a connection on which an instance contradicted itself about a body is not used again', async (t) => {
  const gateway = await startGateway(t);
  const ODD: Readonly<Record<string, string>> = {
    '/long': 'HTTP/1.1 204 No Content\r\nContent-Length: 39\r\n\r\n',
    '/coded': 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n',
    '/old': 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  };
  const told: string[] = [];
  const app = await startRaw(t, 'a', (socket) => {
    const say = (text: string, afterMs: number) =>
      void setTimeout(() => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n${text}`), afterMs);
    socket.on('data', (chunk: Buffer) => {
      const path = /^GET (\S+)/.exec(chunk.toString())?.[1] ?? '';
      told.push(path);
      if (path === '/next') return say('good', 100);
      socket.write(ODD[path] ?? '');
      say('evil', 20);
    });
  });
  await gateway.route({ backends: [backendOf(app)] });
  for (const path of Object.keys(ODD)) {
    const client = new RawClient(t, gateway.port);
    client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n`);
    const text = await client.until((heard) => /(?:good|evil)$/.test(heard), 'both answered');
    assert.match(text, /good$/, path);
  }
  assert.deepEqual(told, ['/long', '/next', '/coded', '/next', '/old', '/next']);
});

test('pipelined requests, bodies between them, are answered in order, one at a time', async (t) => {
  const gateway = await startGateway(t);
  let underWay = 0;
  const app = await startApp(t, 'a', (req, res) => {
    underWay += 1;
    assert.equal(underWay, 1);
    req.resume().once('end', () => {
      // The later, the faster: whoever does not wait gets them in the other order.
      setTimeout(
        () => {
          underWay -= 1;
          res.end(`[${req.url}]`);
        },
        20 - Number(req.url?.slice(1)),
      );
    });
  });
  await gateway.route({ backends: [backendOf(app)] });
  const client = new RawClient(t, gateway.port);
  const paths = [...Array(20).keys()].map((i) => `/${i}`);
  const requests = paths.map((path, i) => {
    const framed = [
      '\r\n',
      'Content-Length: 5\r\n\r\nGET /',
      'Transfer-Encoding: chunked\r\n\r\n5\r\nGET /\r\n0\r\n\r\n',
    ];
    return `${i % 3 === 0 ? 'GET' : 'POST'} ${path} HTTP/1.1\r\nHost: a\r\n${framed[i % 3]}`;
  });
  client.send(requests.join(''));
  const text = await client.until((heard) => heard.includes('[/19]'), 'all were answered');
  assert.deepEqual(
    text.match(/\[.*?\]/g),
    paths.map((path) => `[${path}]`),
  );
});

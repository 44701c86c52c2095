/**
 * Hunts a header of flags that a client wrote and an instance believes: by HTTP/1.1 and HTTP/2, in heads and in
 * trailers, in odd case, with underscores, many times, named by `Connection`, before an upgrade. What arrives is the
 * gateway's own word or nothing; what could be taken for it is refused (T6).
 */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import http2, { constants } from 'node:http2';
import { test, type TestContext } from 'node:test';
import { FLAGS_KEY_PURPOSE, type EdgeRouting } from '../../src/core/flags/edge.ts';
import type { Backend } from '../../src/core/traffic/routing.ts';
import { readFlags } from '../../src/direct/flags.ts';
import { portOf } from '../contract/some-port.ts';
import { backendOf, type Harness, RawClient, startApp, startGateway, startRaw } from './gateway-harness.ts';

const STICKY_KEY = 'a key of a test';
const KEY = createHmac('sha256', STICKY_KEY).update(FLAGS_KEY_PURPOSE).digest('base64url');
/** Signed with the right key, as somebody has it who reads the environment of an instance. */
const FORGED = signed({ key: 'eve', flags: { beta: { variant: 'on', value: true } } });

const EDGE: EdgeRouting = {
  key: { type: 'header', name: 'x-user' },
  flags: ['beta'],
  definitions: {
    beta: {
      state: 'ENABLED',
      variants: { on: true, off: false },
      defaultVariant: 'off',
      targeting: null,
      metadata: {},
    },
  },
};

function signed(outcome: unknown): string {
  const payload = Buffer.from(JSON.stringify(outcome)).toString('base64url');
  return `${payload}.${createHmac('sha256', KEY).update(payload).digest('base64url')}`;
}

/** What an instance was told: names and values in turn. */
interface Told {
  readonly head: readonly string[];
  readonly trailer: readonly string[];
}

const isFlags = (name: string) => name.toLowerCase().replaceAll('_', '-') === 'segue-flags';

function valuesOf(pairs: readonly string[]): string[] {
  return pairs.filter((_value, at) => at % 2 === 1 && isFlags(pairs[at - 1] ?? ''));
}

/** Nothing of it, or the gateway's own word once. */
function assertOwn({ head, trailer }: Told, evaluates: boolean, what: string): void {
  assert.deepEqual(valuesOf(trailer), [], what);
  const values = valuesOf(head);
  assert.equal(values.length, evaluates ? 1 : 0, `${what}: ${values.length} headers of flags`);
  if (!evaluates) return;
  const flags = readFlags({ 'segue-flags': values[0] }, KEY);
  assert.deepEqual([flags.targetingKey, flags.isOn('beta')], ['anna', false], what);
}

function startEcho(t: TestContext) {
  return startApp(t, 'a', (request, response) => {
    request.resume().once('end', () => {
      const told: Told = { head: request.rawHeaders, trailer: request.rawTrailers };
      response.end(JSON.stringify(told));
    });
  });
}

/** An instance that speaks HTTP/2 itself. */
async function startEcho2(t: TestContext): Promise<Backend> {
  const server = http2.createServer();
  server.on('stream', (stream, _fields, _flags, raw: readonly string[]) => {
    let trailer: readonly string[] = [];
    stream.on('trailers', (_got, _more, own: readonly string[]) => (trailer = own));
    stream.on('error', () => undefined);
    stream.resume().once('end', () => {
      stream.respond({ ':status': 200 });
      stream.end(JSON.stringify({ head: raw, trailer } satisfies Told));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { id: 'a2', version: 'v1', host: '127.0.0.1', port: portOf(server.address()) };
}

const toldIn = (text: string): Told => JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));

const F = `Segue-Flags: ${FORGED}\r\n`;
const HEADS: Readonly<Record<string, string>> = {
  'as it is written': F,
  'in lower case': F.toLowerCase().replace(FORGED.toLowerCase(), FORGED),
  'in odd case': `sEGUE-fLAGS: ${FORGED}\r\n`,
  'many times': `${F}segue-flags: ${FORGED}\r\nX: y\r\nSEGUE-FLAGS: ${FORGED}\r\n`,
  'with blanks around its value': `Segue-Flags:\t ${FORGED} \t\r\n`,
  'with nothing in it': 'Segue-Flags:\r\n',
  'named by Connection': `Connection: segue-flags\r\n${F}`,
  'named by Connection among others': `Connection: keep-alive, SEGUE-FLAGS, x-other\r\n${F}`,
};

const REFUSED: Readonly<Record<string, string>> = {
  'with an underscore': `Segue_Flags: ${FORGED}\r\n`,
  'with an underscore, in lower case': `segue_flags: ${FORGED}\r\n`,
  'with an underscore beside the right one': `${F}SEGUE_FLAGS: ${FORGED}\r\n`,
  'with a blank before the colon': `Segue-Flags : ${FORGED}\r\n`,
  'as a second line of another field': `X: y\r\n ${F}`,
  'after a bare end of line': `X: y\n${F}`,
};

const TRAILERS: readonly string[] = [
  'Segue-Flags',
  'segue-flags',
  'sEgUe-FlAgS',
  'Segue_Flags',
  'segue_flags',
];

const modes = [null, EDGE] as const;
const modeOf = (flags: EdgeRouting | null) => (flags === null ? 'without flags' : 'with flags');

async function send(t: TestContext, { port }: Harness, text: string): Promise<string> {
  const client = new RawClient(t, port);
  client.send(text);
  return client.untilEnd();
}

test('by HTTP/1.1, in heads', async (t) => {
  const gateway = await startGateway(t, { stickyKey: STICKY_KEY });
  const app = await startEcho(t);
  assert.equal(readFlags({ 'segue-flags': FORGED }, KEY).isOn('beta'), true, 'it would be believed');
  for (const flags of modes) {
    await gateway.route({ backends: [backendOf(app)], flags });
    for (const version of ['1.0', '1.1'])
      for (const [name, lines] of Object.entries(HEADS)) {
        const what = `${name}, HTTP/${version}, ${modeOf(flags)}`;
        const close = lines.startsWith('Connection') ? '' : 'Connection: close\r\n';
        const client = new RawClient(t, gateway.port);
        client.send(`GET / HTTP/${version}\r\nHost: a\r\n${lines}X-User: anna\r\n${close}\r\n`);
        const answer = await client.until((text) => text.includes(']}'), what);
        assert.match(answer, /^HTTP\/1\.1 200/, what);
        assertOwn(toldIn(answer), flags !== null, what);
      }
    for (const [name, lines] of Object.entries(REFUSED)) {
      const answer = await send(t, gateway, `GET / HTTP/1.1\r\nHost: a\r\nX-User: anna\r\n${lines}\r\n`);
      assert.match(answer, /^HTTP\/1\.1 400/, `${name}, ${modeOf(flags)}`);
    }
  }
});

test('by HTTP/1.1, in trailers: the request ends there', async (t) => {
  const gateway = await startGateway(t, { stickyKey: STICKY_KEY });
  let whole = 0;
  const app = await startApp(t, 'a', (request, response) => {
    request.resume().once('end', () => {
      whole += 1;
      response.end(JSON.stringify({ head: request.rawHeaders, trailer: request.rawTrailers } satisfies Told));
    });
    request.on('error', () => undefined);
  });
  for (const flags of modes) {
    await gateway.route({ backends: [backendOf(app)], flags });
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nX-User: anna\r\nTransfer-Encoding: chunked\r\n';
    for (const name of TRAILERS) {
      const answer = await send(t, gateway, `${head}\r\n3\r\nabc\r\n0\r\n${name}: ${FORGED}\r\n\r\n`);
      assert.doesNotMatch(answer, /^HTTP\/1\.1 200/, `${name}, ${modeOf(flags)}`);
    }
    assert.equal(whole, 0, 'no instance takes such a request for a whole one');
    const fine = await send(t, gateway, `${head}Connection: close\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n`);
    assertOwn(toldIn(fine), flags !== null, 'another trailer');
    assert.deepEqual(toldIn(fine).trailer, ['X-Sum', '7']);
    whole = 0;
  }
});

test('by HTTP/2, in heads and in trailers, to instances of either protocol', async (t) => {
  const gateway = await startGateway(t, { stickyKey: STICKY_KEY });
  const apps = [
    { backends: [backendOf(await startEcho(t))], protocol: 'http1' },
    { backends: [await startEcho2(t)], protocol: 'h2c' },
  ] as const;
  for (const flags of modes)
    for (const app of apps) {
      await gateway.route({ ...app, flags });
      const session = http2.connect(`http://127.0.0.1:${gateway.port}`);
      session.on('error', () => undefined);
      t.after(() => session.destroy());
      const where = `${app.protocol}, ${modeOf(flags)}`;
      for (const value of [FORGED, [FORGED, FORGED]]) {
        const answer = await call(session, { 'segue-flags': value });
        assert.equal(answer.status, 200, where);
        assertOwn(toldIn(answer.text), flags !== null, where);
      }
      assert.equal((await call(session, { segue_flags: FORGED })).status, 400, where);
      for (const name of new Set(TRAILERS.map((each) => each.toLowerCase()))) {
        const answer = await call(session, {}, { [name]: FORGED });
        assert.notEqual(answer.status, 200, `${name} in a trailer, ${where}`);
      }
      const fine = await call(session, {}, { 'x-sum': '7' });
      assertOwn(toldIn(fine.text), flags !== null, where);
      assert.deepEqual(toldIn(fine.text).trailer, ['x-sum', '7'], where);
    }
});

/** Status 0: it was reset. */
function call(
  session: http2.ClientHttp2Session,
  head: http2.OutgoingHttpHeaders,
  trailer: http2.OutgoingHttpHeaders | null = null,
): Promise<{ readonly status: number; readonly text: string }> {
  return new Promise((resolve) => {
    const fields = { ':method': trailer ? 'POST' : 'GET', 'x-user': 'anna', ...head };
    const stream = session.request(fields, {
      waitForTrailers: trailer !== null,
      endStream: trailer === null,
    });
    let status = 0;
    let text = '';
    stream.setEncoding('utf8');
    stream.on('response', (got) => (status = got[':status'] ?? 0));
    stream.on('data', (part: string) => (text += part));
    stream.on('wantTrailers', () => stream.sendTrailers(trailer ?? {}));
    stream.on('error', () => undefined);
    stream.once('close', () => {
      const isWhole = stream.rstCode === constants.NGHTTP2_NO_ERROR;
      resolve({ status: isWhole ? status : 0, text });
    });
    if (trailer) stream.end('abc');
  });
}

test('before an upgrade', async (t) => {
  const gateway = await startGateway(t, { stickyKey: STICKY_KEY });
  const app = await startRaw(t, 'a', (socket) => {
    let head = '';
    socket.on('data', (part) => {
      head += part.toString('latin1');
      if (!head.endsWith('\r\n\r\n')) return;
      const lines = head.split('\r\n').slice(1, -2);
      const pairs = lines.flatMap((line) => [
        line.slice(0, line.indexOf(':')),
        line.slice(line.indexOf(':') + 1).trim(),
      ]);
      socket.write('HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
      socket.end(JSON.stringify({ head: pairs, trailer: [] } satisfies Told));
    });
  });
  for (const flags of modes) {
    await gateway.route({ backends: [backendOf(app)], flags });
    const asked = `GET / HTTP/1.1\r\nHost: a\r\nX-User: anna\r\n${F}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    const answer = await send(t, gateway, asked);
    assert.match(answer, /^HTTP\/1\.1 101/);
    assertOwn(toldIn(answer), flags !== null, modeOf(flags));
  }
});

/**
 * Hunts sessions that move although nothing made them, that stay with an instance that is gone (row 10 of the loss
 * table) or a version that was taken back, that a weight of 0 or a growing weight throws about, and cookies that
 * somebody else made.
 */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import http from 'node:http';
import { test, type TestContext } from 'node:test';
import { DEFAULT_POLICY } from '../../src/core/traffic/policy.ts';
import { readToken, unsignedToken } from '../../src/core/traffic/session.ts';
import type { Share } from '../../src/core/traffic/split.ts';
import type { Sticky } from '../../src/core/traffic/sticky.ts';
import { eventually } from '../contract/eventually.ts';
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

const STICKY: Sticky = { type: 'cookie', name: 'segue', ttlMs: 3_600_000 };
/** Each worker shares out exactly what it gets: one makes it visible. */
const SETTINGS = { stickyKey: 'a key of a test', workers: 1 };

async function startVersions(t: TestContext, ...names: readonly [string, string][]): Promise<App[]> {
  const apps = await Promise.all(names.map(([id]) => startApp(t, id)));
  return apps.map((app, i) => ({ ...app, version: names[i]?.[1] ?? '' }));
}

/** Two instances of each of two versions. */
async function start(t: TestContext) {
  const gateway = await startGateway(t, SETTINGS);
  const apps = await startVersions(t, ['s1', 'v1'], ['s2', 'v1'], ['c1', 'v2'], ['c2', 'v2']);
  const of = (version: string) => apps.filter((app) => app.version === version);
  const split = (percent: number): Share[] => [
    { group: 'stable', version: 'v1', percent: 100 - percent, backends: of('v1').map(({ id }) => id) },
    { group: 'candidate', version: 'v2', percent, backends: of('v2').map(({ id }) => id) },
  ];
  const backends = apps.map(backendOf);
  return { gateway, apps, backends, split };
}

/** A client that keeps its cookie, as browsers do. */
class Visitor {
  readonly #port: number;
  cookie: string | undefined;
  line: string | undefined;

  constructor(port: number) {
    this.#port = port;
  }

  /** Says who answered. */
  async visit(options: { agent?: http.Agent; headers?: Record<string, string> } = {}): Promise<string> {
    const headers = {
      ...options.headers,
      ...(this.cookie === undefined ? {} : { Cookie: `a=b; ${this.cookie}` }),
    };
    const answer = await ask(this.#port, { ...options, headers });
    assert.equal(answer.status, 200);
    this.line = answer.headers['set-cookie']?.[0];
    if (this.line !== undefined) this.cookie = this.line.slice(0, this.line.indexOf(';'));
    return answer.body.toString();
  }
}

async function visitAll(visitors: readonly Visitor[]): Promise<string[]> {
  const homes: string[] = [];
  for (const visitor of visitors) homes.push(await visitor.visit());
  return homes;
}

const visitorsOf = ({ port }: Harness, count: number) =>
  Array.from({ length: count }, () => new Visitor(port));
const isCandidate = (home: string) => home.startsWith('c');

test('a session stays where it began, is told once, and its cookie says no more than it has to', async (t) => {
  const { gateway, backends, split } = await start(t);
  await gateway.route({ backends, split: split(50), sticky: STICKY });
  const visitors = visitorsOf(gateway, 20);
  const homes = await visitAll(visitors);
  const line = visitors[0]?.line ?? '';
  assert.match(line, /^segue=[\w-]{64}; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax$/);
  for (let round = 0; round < 3; round += 1) {
    assert.deepEqual(await visitAll(visitors), homes);
    assert.ok(visitors.every((visitor) => visitor.line === undefined));
  }
  assert.equal(new Set(homes).size, 4);
});

test('of any hundred new sessions exactly the share begins at the candidate', async (t) => {
  const { gateway, backends, split } = await start(t);
  for (const percent of [5, 33]) {
    await gateway.route({ backends, split: split(percent), sticky: STICKY });
    const homes = await visitAll(visitorsOf(gateway, 100));
    assert.equal(homes.filter(isCandidate).length, percent);
  }
});

test('more weight moves only as many to the candidate, and less weight nobody off it; 0 takes all back', async (t) => {
  const { gateway, backends, split } = await start(t);
  const route = (percent: number) => gateway.route({ backends, split: split(percent), sticky: STICKY });
  await route(10);
  const visitors = visitorsOf(gateway, 100);
  let before = await visitAll(visitors);
  for (const [percent, expected] of [
    [10, 10],
    [30, 30],
    [5, 30],
    [50, 50],
  ] as const) {
    await route(percent);
    const now = await visitAll(visitors);
    assert.equal(now.filter(isCandidate).length, expected, `at ${percent}%`);
    for (const [i, home] of before.entries()) if (isCandidate(home)) assert.equal(now[i], home);
    before = now;
  }
  await route(0);
  assert.equal((await visitAll(visitors)).filter(isCandidate).length, 0);
});

test('promotion moves nobody who met the candidate', async (t) => {
  const { gateway, apps, backends, split } = await start(t);
  await gateway.route({ backends, split: split(50), sticky: STICKY });
  const visitors = visitorsOf(gateway, 40);
  const before = await visitAll(visitors);
  const promoted = apps.filter(({ version }) => version === 'v2').map(backendOf);
  await gateway.route({ backends: promoted, sticky: STICKY });
  const after = await visitAll(visitors);
  for (const [i, home] of before.entries()) if (isCandidate(home)) assert.equal(after[i], home);
  assert.ok(after.every(isCandidate));
  assert.deepEqual(await visitAll(visitors), after);
});

test('a rollback releases everybody, and those who were on stable never notice', async (t) => {
  const { gateway, apps, backends, split } = await start(t);
  await gateway.route({ backends, split: split(50), sticky: STICKY });
  const visitors = visitorsOf(gateway, 40);
  const before = await visitAll(visitors);
  await gateway.route({
    backends: apps.filter(({ version }) => version === 'v1').map(backendOf),
    draining: ['c1', 'c2'].map((id) => ({ id, requestsMs: 10_000, streamsMs: 10_000 })),
    sticky: STICKY,
  });
  const after = await visitAll(visitors);
  assert.equal(after.filter(isCandidate).length, 0);
  for (const [i, home] of before.entries()) if (!isCandidate(home)) assert.equal(after[i], home);
  assert.deepEqual(await visitAll(visitors), after);
});

test('a session leaves a dead instance for another one of its version, and the cookie says so', async (t) => {
  const { gateway, apps, backends, split } = await start(t);
  await gateway.route({ backends, split: split(50), sticky: STICKY });
  const visitors = visitorsOf(gateway, 40);
  const before = await visitAll(visitors);
  apps.find(({ id }) => id === 'c1')?.kill();
  const after = await visitAll(visitors);
  for (const [i, home] of before.entries()) assert.equal(after[i], home === 'c1' ? 'c2' : home);
  assert.ok(visitors.some(({ line }) => line !== undefined));
  // It stays there when the routing follows, and when the instance comes back.
  await gateway.route({
    backends: backends.filter(({ id }) => id !== 'c1'),
    split: split(50),
    sticky: STICKY,
  });
  assert.deepEqual(await visitAll(visitors), after);
  assert.ok(visitors.every(({ line }) => line === undefined));
});

test('without a split a session keeps to its version while any instance of it is left', async (t) => {
  const { gateway, backends } = await start(t);
  const without = (...ids: string[]) => backends.filter(({ id }) => !ids.includes(id));
  await gateway.route({ backends, sticky: STICKY });
  const visitors = visitorsOf(gateway, 40);
  const first = await visitAll(visitors);
  await gateway.route({ backends: without('s1'), sticky: STICKY });
  const second = await visitAll(visitors);
  for (const [i, home] of first.entries()) assert.equal(second[i], home === 's1' ? 's2' : home);
  await gateway.route({ backends: without('s1', 's2'), sticky: STICKY });
  const third = await visitAll(visitors);
  for (const [i, home] of second.entries()) if (isCandidate(home)) assert.equal(third[i], home);
});

test('a gateway that is started again knows every session; with another key it knows none', async (t) => {
  const { gateway, backends, split } = await start(t);
  const routing = { backends, split: split(50), sticky: STICKY };
  await gateway.route(routing);
  const visitors = visitorsOf(gateway, 20);
  const homes = await visitAll(visitors);
  const other = await startGateway(t, SETTINGS);
  await other.route(routing);
  const there = visitors.map(({ cookie }) => Object.assign(new Visitor(other.port), { cookie }));
  assert.deepEqual(await visitAll(there), homes);
  assert.ok(there.every(({ line }) => line === undefined));
  const stranger = await startGateway(t, { stickyKey: 'another key' });
  await stranger.route(routing);
  const strangers = visitors.map(({ cookie }) => Object.assign(new Visitor(stranger.port), { cookie }));
  await visitAll(strangers);
  assert.ok(strangers.every(({ line }) => line !== undefined));
});

test('a cookie that somebody changed, of another service, too long or doubled says nothing', async (t) => {
  const { gateway, backends, split } = await start(t);
  await gateway.route({ backends, split: split(50), sticky: STICKY });
  const visitor = new Visitor(gateway.port);
  const home = await visitor.visit();
  const good = visitor.cookie ?? '';
  const value = good.slice('segue='.length);
  const change = (at: number) =>
    `segue=${value.slice(0, at)}${value[at] === '1' ? '2' : '1'}${value.slice(at + 1)}`;
  for (let at = 0; at < value.length; at += 1) {
    const forger = Object.assign(new Visitor(gateway.port), { cookie: change(at) });
    await forger.visit();
    assert.notEqual(forger.line, undefined, `changed at ${at}`);
  }
  for (const cookie of [`segue=${'x'.repeat(8_000)}`, 'segue=', `segue=${value}x`, `Segue=${value}`]) {
    const stranger = Object.assign(new Visitor(gateway.port), { cookie });
    await stranger.visit();
    assert.notEqual(stranger.line, undefined);
  }
  // One that an attacker put before ours, from a domain around, does not end the session.
  const tossed = Object.assign(new Visitor(gateway.port), { cookie: `segue=forged; ${good}` });
  assert.equal(await tossed.visit(), home);
  assert.equal(tossed.line, undefined);
  await gateway.route({ service: 'other', backends, split: split(50), sticky: STICKY });
  const elsewhere = Object.assign(new Visitor(gateway.port), { cookie: good });
  await elsewhere.visit();
  assert.notEqual(elsewhere.line, undefined);
});

test('many sessions may share one kept connection', async (t) => {
  const { gateway, backends, split } = await start(t);
  await gateway.route({ backends, split: split(50), sticky: STICKY });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const visitors = visitorsOf(gateway, 10);
  const homes: string[] = [];
  for (const visitor of visitors) homes.push(await visitor.visit({ agent }));
  for (const [i, visitor] of visitors.entries()) assert.equal(await visitor.visit({ agent }), homes[i]);
});

test('an upgrade is told where its session is', async (t) => {
  const gateway = await startGateway(t, SETTINGS);
  const app = await startApp(t, 'a');
  app.server.on('upgrade', (_request, socket) => {
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  });
  await gateway.route({ backends: [backendOf(app)], sticky: STICKY });
  const client = new RawClient(t, gateway.port);
  client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
  const answer = await client.until((text) => text.endsWith('\r\n\r\n'), 'upgraded');
  assert.match(answer, /^HTTP\/1.1 101 [^]*\r\nSet-Cookie: segue=[\w-]{64}; /);
});

test('a cookie from before its time to live says nothing, and one in the second half of it is renewed', async (t) => {
  const { gateway, backends, split } = await start(t);
  await gateway.route({ backends, split: split(50), sticky: STICKY });
  const visitor = new Visitor(gateway.port);
  const home = await visitor.visit();
  const read = readToken((visitor.cookie ?? '').slice('segue='.length));
  assert.ok(read);
  const agedBy = (ageS: number) => {
    const unsigned = unsignedToken({ ...read.session, issuedAtS: read.session.issuedAtS - ageS });
    const mac = createHmac('sha256', SETTINGS.stickyKey).update(`web cookie ${unsigned}`).digest('base64url');
    return Object.assign(new Visitor(gateway.port), { cookie: `segue=${unsigned}${mac.slice(0, 22)}` });
  };
  const [young, older, old] = [agedBy(0), agedBy(1_900), agedBy(3_700)];
  assert.deepEqual([await young.visit(), await older.visit()], [home, home]);
  assert.equal(young.line, undefined);
  assert.equal(readToken((older.cookie ?? '').slice(6))?.session.id, read.session.id);
  assert.notEqual(older.line, undefined);
  await old.visit();
  assert.notEqual(readToken((old.cookie ?? '').slice(6))?.session.id, read.session.id);
});

test('an instance that has as many requests as it may lends its sessions out and gets them back', async (t) => {
  const gateway = await startGateway(t, SETTINGS);
  const slow: http.ServerResponse[] = [];
  const handle = (id: string) => (req: http.IncomingMessage, res: http.ServerResponse) =>
    void (req.url === '/slow' ? slow.push(res) : res.end(id));
  const apps = await Promise.all(['a', 'b'].map((id) => startApp(t, id, handle(id))));
  const policy = { ...DEFAULT_POLICY, instance: { requestsMax: 1, connectionsMax: null } };
  await gateway.route({ backends: apps.map(backendOf), sticky: STICKY, policy });
  const visitor = new Visitor(gateway.port);
  const home = await visitor.visit();
  const waiting = textOf(ask(gateway.port, { path: '/slow', headers: { cookie: visitor.cookie } }));
  await eventually('it is under way', () => slow.length === 1);
  assert.notEqual(await visitor.visit(), home);
  assert.equal(visitor.line, undefined);
  slow[0]?.end('slow');
  assert.equal(await waiting, 'slow');
  assert.equal(await visitor.visit(), home);
});

const hashes: [string, Sticky, (user: string) => Record<string, string>][] = [
  ['a header', { type: 'hash', of: { type: 'header', name: 'x-user' } }, (user) => ({ 'X-User': user })],
  [
    'a cookie',
    { type: 'hash', of: { type: 'cookie', name: 'sid' } },
    (user) => ({ Cookie: `a=1; sid=${user}` }),
  ],
];
for (const [what, sticky, headersOf] of hashes)
  test(`by ${what}: the same instance again, more weight takes nobody off the candidate`, async (t) => {
    const { gateway, backends, split } = await start(t);
    const users = Array.from({ length: 60 }, (_, i) => headersOf(`user-${i}`));
    const visit = async () => {
      const homes: string[] = [];
      for (const headers of users) homes.push(await textOf(ask(gateway.port, { headers })));
      return homes;
    };
    await gateway.route({ backends, split: split(20), sticky });
    const first = await visit();
    assert.deepEqual(await visit(), first);
    await gateway.route({ backends, split: split(60), sticky });
    const second = await visit();
    for (const [i, home] of first.entries()) if (isCandidate(home)) assert.equal(second[i], home);
    assert.ok(second.filter(isCandidate).length > first.filter(isCandidate).length);
    await gateway.route({ backends: backends.filter(({ id }) => id !== 's1'), split: split(60), sticky });
    const third = await visit();
    for (const [i, home] of second.entries()) assert.equal(third[i], home === 's1' ? 's2' : home);
    const { headers } = await ask(gateway.port, { headers: headersOf('user-1') });
    assert.equal(headers['set-cookie'], undefined);
  });

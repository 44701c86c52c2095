/**
 * Hunts an example that would make releases look bad or good by itself: state that lies in an instance, work
 * dropped on SIGTERM, streams that are cut, a WebSocket that only its own client understands, and bad versions
 * that are not bad in the way they say.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { startLoad } from '../load/load.ts';
import { startShop, type Shop, type ShopVersion } from '../load/shop.ts';

const toRemove: (() => Promise<unknown>)[] = [];
after(() => Promise.all(toRemove.map((remove) => remove())));

async function shopOf(version?: ShopVersion, dataDir?: string): Promise<Shop> {
  const shop = await startShop(version, dataDir === undefined ? {} : { dataDir });
  toRemove.push(() => shop.remove());
  return shop;
}

async function sharedDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'segue-shop-data-'));
  toRemove.push(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

const urlOf = (shop: Shop, path: string) => `http://127.0.0.1:${shop.port}${path}`;
const FORM = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };

async function logIn(shop: Shop, user: string): Promise<string> {
  const init = { method: 'POST', headers: FORM, body: `user=${user}`, redirect: 'manual' } as const;
  const response = await fetch(urlOf(shop, '/login'), init);
  assert.equal(response.status, 303);
  return response.headers.get('set-cookie')?.split(';')[0] ?? '';
}

const addTo = (shop: Shop, cookie: string, body: string) =>
  fetch(urlOf(shop, '/cart'), { method: 'POST', headers: { ...FORM, cookie }, body });

async function cartOf(shop: Shop, cookie: string): Promise<unknown> {
  const response = await fetch(urlOf(shop, '/cart'), { headers: { ...FORM, cookie } });
  return response.status === 200 ? response.json() : response.status;
}

/** Its exit code, however much earlier it ended; the signal's name when it was killed. */
async function exitOf({ child }: Shop): Promise<number | string | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.signalCode ?? child.exitCode;
}

test('log-ins and carts are shared by all instances of all versions, and no add is lost among them', async () => {
  const dir = await sharedDir();
  const shops = await Promise.all([shopOf({ name: 'v1' }, dir), shopOf({ name: 'v2' }, dir)]);
  const [first, second] = shops;
  const cookie = await logIn(first, 'ada');
  const adds = Array.from({ length: 60 }, (_, n) =>
    addTo(shops[n % 2] ?? first, cookie, 'sku=tea&quantity=1'),
  );
  for (const { status } of await Promise.all(adds)) assert.equal(status, 200);
  const cart = { user: 'ada', items: { tea: 60 }, quantity: 60 };
  assert.deepEqual(await cartOf(first, cookie), cart);
  assert.deepEqual(await cartOf(second, cookie), cart);
});

test('what people say of themselves is shared by all instances, and nobody gets a half of it', async () => {
  const dir = await sharedDir();
  const shops = await Promise.all([shopOf({ name: 'v1' }, dir), shopOf({ name: 'v2' }, dir)]);
  const [first, second] = shops;
  const cookie = await logIn(first, 'ada');
  const say = (shop: Shop, body: string) =>
    fetch(urlOf(shop, '/account'), { method: 'POST', headers: { ...FORM, cookie }, body });
  const said = async (shop: Shop) => {
    const response = await fetch(urlOf(shop, '/account'), { headers: { ...FORM, cookie } });
    const account = (await response.json()) as { name: string; mail: string };
    return `${account.name} ${account.mail}`;
  };
  assert.equal(await said(second), ' ');
  await Promise.all(
    Array.from({ length: 40 }, (_, n) => say(shops[n % 2] ?? first, `name=Ada ${n}&mail=${n}@example.com`)),
  );
  const now = await said(first);
  assert.match(now, /^Ada (\d+) \1@example\.com$/);
  assert.equal(await said(second), now);
  assert.equal((await say(first, 'name=Ada&mail=nowhere')).status, 422);
  assert.equal((await fetch(urlOf(first, '/account'), { headers: FORM })).status, 401);
  const page = await (await fetch(urlOf(first, '/account'), { headers: { cookie } })).text();
  assert.match(page, /Hello Ada/);
});

test('pages show the version; a forged session and a wrong form are refused', async () => {
  const shop = await shopOf({ name: 'v7', headline: 'A <new> shelf' });
  const home = await fetch(urlOf(shop, '/'));
  assert.equal(home.headers.get('x-shop-version'), 'v7');
  const html = await home.text();
  assert.match(html, /Shop/);
  assert.match(html, /<b id="version">v7<\/b>/);
  assert(!html.includes('<new>'), 'text from outside is escaped');

  const cookie = await logIn(shop, 'ada');
  assert.equal(await cartOf(shop, cookie.replace('ada', 'eve')), 401);
  assert.equal(await cartOf(shop, 'shop_session=ada~1'), 401);
  assert.equal((await addTo(shop, cookie, 'sku=castle')).status, 422);
  assert.equal((await addTo(shop, cookie, `sku=${'x'.repeat(20_000)}`)).status, 413);
  assert.equal((await fetch(urlOf(shop, '/nothing'))).status, 404);
});

test('on SIGTERM what is under way ends well, streams are told to come back, and it exits 0', async () => {
  const shop = await shopOf();
  const target = { host: '127.0.0.1', port: shop.port };
  const uploads = { count: 2, pieces: 20, betweenPiecesMs: 30, thinkMs: 60_000 };
  const slow = {
    kind: 'keep-alive',
    method: 'GET',
    path: '/slow?ms=700',
    count: 2,
    thinkMs: 60_000,
  } as const;
  const load = startLoad({ target, clients: [slow], uploads, websocket: { count: 2 }, sse: { count: 2 } });
  toRemove.push(() => load.stop());
  while (load.stats().streams.sse.open + load.stats().streams.websocket.open < 4) await sleep(5);
  assert.equal(load.stats().inFlight, 4, 'all four requests are under way');
  shop.child.kill('SIGTERM');

  assert.equal(await exitOf(shop), 0);
  const { answered, streams, reasons } = await load.stop();
  assert.equal(answered, 4, JSON.stringify(reasons));
  assert.equal(streams.sse.told, 2);
  assert.equal(streams.websocket.told, 2);
  // Streams come back at once and find nobody: that is all that may go wrong here.
  assert.deepEqual(Object.keys(reasons), ['refused']);
});

describe('the WebSocket', () => {
  const connect = async (shop: Shop, texts: string[] = []): Promise<WebSocket> => {
    const socket = new WebSocket(`ws://127.0.0.1:${shop.port}/live`);
    socket.on('message', (data: Buffer) => texts.push(data.toString()));
    await once(socket, 'open');
    return socket;
  };

  test('greets, pushes stock, sends texts back, split ones and long ones too, and answers pings', async () => {
    const texts: string[] = [];
    const socket = await connect(await shopOf({ name: 'v3' }), texts);
    socket.send('of ', { fin: false });
    socket.send('two parts', { fin: true });
    socket.send('ä'.repeat(20_000));
    socket.ping('are you there');
    const [pong] = await once(socket, 'pong');
    assert.equal(String(pong), 'are you there');
    while (!texts.some((text) => text.includes('"stock"'))) await sleep(5);
    assert(texts.some((text) => text === '{"type":"hello","version":"v3"}'));
    assert(texts.includes('of two parts'));
    assert(texts.includes('ä'.repeat(20_000)));
    socket.close(4000);
    assert.equal((await once(socket, 'close'))[0], 4000);
  });

  test('closes with the code that RFC 6455 has for each misuse', async () => {
    const shop = await shopOf();
    const misuses: readonly (readonly [number, (socket: WebSocket) => void])[] = [
      [1003, (socket) => socket.send(Buffer.from([1]), { binary: true })],
      [1009, (socket) => socket.send('x'.repeat(70_000))],
      [1007, (socket) => socket.send(Buffer.from([0xc3, 0x28]), { binary: false })],
      [1002, (socket) => socket.send('not masked', { mask: false })],
    ];
    for (const [code, misuse] of misuses) {
      const socket = await connect(shop);
      misuse(socket);
      assert.equal((await once(socket, 'close'))[0], code);
    }
  });

  test('refuses an upgrade elsewhere or without a key', async () => {
    const shop = await shopOf();
    const upgrade = 'Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';
    for (const request of [
      `GET / HTTP/1.1\r\n${upgrade}${key}\r\n`,
      `GET /live HTTP/1.1\r\n${upgrade}\r\n`,
    ]) {
      const socket = createConnection(shop.port, '127.0.0.1');
      socket.write(request);
      assert.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 400 /);
      socket.destroy();
    }
  });
});

test('events go on after a given id, on another instance too', async () => {
  const [first, second] = await Promise.all([shopOf(), shopOf()]);
  const readIds = async (shop: Shop, headers: Record<string, string>) => {
    const stop = new AbortController();
    const response = await fetch(urlOf(shop, '/events'), { headers, signal: stop.signal });
    assert(response.body);
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body) {
      text += decoder.decode(chunk, { stream: true });
      if ((text.match(/^id: /gm)?.length ?? 0) >= 3) break;
    }
    stop.abort();
    return [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
  };
  const ids = await readIds(first, {});
  const last = ids.at(-1) ?? 0;
  const next = await readIds(second, { 'last-event-id': `${last}` });
  assert.deepEqual(next.slice(0, 3), [last + 1, last + 2, last + 3]);
});

describe('a version that is', () => {
  const statusOf = async (shop: Shop, path: string) => (await fetch(urlOf(shop, path))).status;

  test('never ready stays alive and unready', async () => {
    const shop = await shopOf({ name: 'bad', behaviour: 'never-ready' });
    assert.equal(await statusOf(shop, '/livez'), 200);
    assert.equal(await statusOf(shop, '/readyz'), 503);
  });

  test('broken at home is ready, and its home page fails', async () => {
    const shop = await shopOf({ name: 'bad', behaviour: 'broken-home' });
    assert.equal(await statusOf(shop, '/readyz'), 200);
    assert.equal(await statusOf(shop, '/'), 500);
  });

  test('failing some of the time, or on one page, is ready, and does so as often as it says', async () => {
    const shop = await shopOf({ name: 'bad', behaviour: 'fails-some', share: 0.5 });
    const statuses = await Promise.all(Array.from({ length: 100 }, () => statusOf(shop, '/')));
    const failed = statuses.filter((status) => status === 500).length;
    assert.ok(failed > 25 && failed < 75, `${failed} of 100`);
    assert.equal(await statusOf(shop, '/readyz'), 200);
    const broken = await shopOf({ name: 'bad', behaviour: 'broken-login' });
    assert.deepEqual([await statusOf(broken, '/login'), await statusOf(broken, '/')], [500, 200]);
    const leaky = await shopOf({ name: 'leaky', behaviour: 'leaks' });
    assert.equal(await statusOf(leaky, '/'), 200);
  });

  test('one that takes its time takes it', async () => {
    const shop = await shopOf({ name: 'slow', takes: { medianMs: 60, p99Ms: 80 } });
    const startedAtMs = performance.now();
    for (let page = 0; page < 10; page += 1) assert.equal(await statusOf(shop, '/'), 200);
    assert(performance.now() - startedAtMs > 300);
  });

  test('going to crash does so after it was ready, or before it listens', async () => {
    const shop = await shopOf({ name: 'bad', behaviour: 'crash-after-ready', delayMs: 50 });
    assert.equal(await statusOf(shop, '/readyz'), 200);
    assert.equal(await exitOf(shop), 1);
    await assert.rejects(shopOf({ name: 'bad', behaviour: 'crash-at-start' }), /no database/);
  });

  test('deaf to SIGTERM serves on', async () => {
    const shop = await shopOf({ name: 'bad', behaviour: 'ignores-sigterm' });
    shop.child.kill('SIGTERM');
    while (!shop.lines.includes('SIGTERM: ignored')) await sleep(5);
    assert.equal(await statusOf(shop, '/'), 200);
  });

  test('on the wrong port listens somewhere else than it was told', async () => {
    const neighbour = await shopOf();
    const given = { port: neighbour.port };
    await assert.rejects(startShop({ name: 'good' }, given), /EADDRINUSE/);
    const shop = await startShop({ name: 'bad', behaviour: 'wrong-port' }, given);
    toRemove.push(() => shop.remove());
    assert.notEqual(shop.port, given.port);
  });

  test('slow to start does not listen before its time', async () => {
    const startedAtMs = performance.now();
    await shopOf({ name: 'slow', behaviour: 'slow-start', delayMs: 400 });
    assert(performance.now() - startedAtMs >= 395);
  });
});

/**
 * Hunts weights that are only right on average or only with one kind of client (T5), a candidate that gets more than
 * its share or all that stable should have (R3), rules that somebody else's headers can trigger, and a change of
 * weights that costs a request.
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import { test, type TestContext } from 'node:test';
import { DEFAULT_POLICY } from '../../src/core/traffic/policy.ts';
import type { Share } from '../../src/core/traffic/split.ts';
import { eventually } from '../contract/eventually.ts';
import { type App, ask, backendOf, startApp, startGateway, textOf } from './gateway-harness.ts';

/** Each worker shares out exactly what it gets: one makes it visible. */
const ONE = { workers: 1 };

async function startVersions(t: TestContext, ...names: readonly [string, string][]): Promise<App[]> {
  const apps = await Promise.all(names.map(([id]) => startApp(t, id)));
  return apps.map((app, i) => ({ ...app, version: names[i]?.[1] ?? '' }));
}

const share = (group: Share['group'], percent: number, ...apps: readonly App[]): Share => ({
  ...{ group, percent, version: apps[0]?.version ?? 'none' },
  backends: apps.map(({ id }) => id),
});

async function pair(t: TestContext, settings = {}) {
  const gateway = await startGateway(t, { ...ONE, ...settings });
  const [old, next] = await startVersions(t, ['old', 'v1'], ['new', 'v2']);
  assert.ok(old && next);
  const backends = [backendOf(old), backendOf(next)];
  const at = (percent: number) => [share('stable', 100 - percent, old), share('candidate', percent, next)];
  return { gateway, old, next, backends, at };
}

for (const keepAlive of [true, false])
  test(`any hundred requests are shared out exactly, ${keepAlive ? 'kept' : 'fresh'} connections`, async (t) => {
    const { gateway, backends, at } = await pair(t);
    const agent = new http.Agent({ keepAlive, maxSockets: 3 });
    t.after(() => agent.destroy());
    for (const percent of [1, 5, 33, 50, 99, 0, 100]) {
      await gateway.route({ backends, split: at(percent) });
      const bodies: string[] = [];
      // Not a multiple of a hundred, so that the next weight begins in the middle of a round.
      for (let i = 0; i < 130; i += 1) bodies.push(await textOf(ask(gateway.port, { agent })));
      for (const from of [0, 13, 30]) {
        const found = bodies.slice(from, from + 100).filter((body) => body === 'new').length;
        assert.equal(found, percent, `${percent}% from the ${from}th on`);
      }
    }
  });

test('many at once are shared out exactly, too', async (t) => {
  const { gateway, backends, at } = await pair(t);
  await gateway.route({ backends, split: at(33) });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 20 });
  t.after(() => agent.destroy());
  const bodies = await Promise.all(Array.from({ length: 500 }, () => textOf(ask(gateway.port, { agent }))));
  assert.equal(bodies.filter((body) => body === 'new').length, 165);
});

test('three groups, several instances each', async (t) => {
  const gateway = await startGateway(t, ONE);
  const apps = await startVersions(t, ['s1', 'v1'], ['s2', 'v1'], ['b1', 'v1'], ['c1', 'v2'], ['c2', 'v2']);
  const [s1, s2, b1, c1, c2] = apps;
  assert.ok(s1 && s2 && b1 && c1 && c2);
  const split = [share('stable', 80, s1, s2), share('baseline', 10, b1), share('candidate', 10, c1, c2)];
  await gateway.route({ backends: apps.map(backendOf), split });
  const counts: Record<string, number> = {};
  for (let i = 0; i < 200; i += 1) {
    const body = await textOf(ask(gateway.port));
    counts[body] = (counts[body] ?? 0) + 1;
  }
  assert.deepEqual([(counts['s1'] ?? 0) + (counts['s2'] ?? 0), counts['b1']], [160, 20]);
  assert.equal((counts['c1'] ?? 0) + (counts['c2'] ?? 0), 20);
  assert.ok((counts['s1'] ?? 0) > 60 && (counts['s2'] ?? 0) > 60);
});

test('a candidate without an instance falls to stable; stable without one waits for its own (R3)', async (t) => {
  const { gateway, old, next, backends, at } = await pair(t);
  await gateway.route({ backends: [backendOf(old)], split: at(50) });
  for (let i = 0; i < 10; i += 1) assert.equal(await textOf(ask(gateway.port)), 'old');
  await gateway.route({ backends: [backendOf(next)], split: at(0) });
  const waiting = textOf(ask(gateway.port));
  await eventually('it is held', () => gateway.plane.report()?.services[0]?.holding === 1);
  await gateway.route({ backends, split: at(0) });
  assert.equal(await waiting, 'old');
});

test('held requests that nobody may serve are refused when there is no room for them, not tried for ever', async (t) => {
  const { gateway, next, at } = await pair(t);
  const hold = { forMs: 300, requestsMax: 1 };
  await gateway.route({ backends: [backendOf(next)], split: at(0), hold });
  const answers = await Promise.all([ask(gateway.port), ask(gateway.port), ask(gateway.port)]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [503, 503, 503],
  );
});

test('a candidate that cannot be reached costs nothing: its requests go to stable', async (t) => {
  const { gateway, next, backends, at } = await pair(t);
  await gateway.route({ backends, split: at(50) });
  next.kill();
  for (let i = 0; i < 20; i += 1) assert.equal(await textOf(ask(gateway.port)), 'old');
});

test('weights change under load without a failed request, and are exact again at once', async (t) => {
  const { gateway, backends, at } = await pair(t);
  await gateway.route({ backends, split: at(0) });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  t.after(() => agent.destroy());
  let going = true;
  const statuses = new Map<number, number>();
  const client = async () => {
    while (going) {
      const { status } = await ask(gateway.port, { agent, method: 'POST', body: 'x' });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const clients = Array.from({ length: 8 }, client);
  for (const percent of [5, 20, 50, 20, 80, 0, 100, 0]) {
    await gateway.route({ backends, split: at(percent) });
    const before = statuses.get(200) ?? 0;
    await eventually('some more are answered', () => (statuses.get(200) ?? 0) > before + 50);
  }
  going = false;
  await Promise.all(clients);
  assert.deepEqual([...statuses.keys()], [200]);
  await gateway.route({ backends, split: at(25) });
  const bodies: string[] = [];
  for (let i = 0; i < 100; i += 1) bodies.push(await textOf(ask(gateway.port, { agent })));
  assert.equal(bodies.filter((body) => body === 'new').length, 25);
});

test('the first rule that matches decides, for the part that it names; the rest is for the split', async (t) => {
  const { gateway, backends, at } = await pair(t);
  const rules = [
    {
      name: 'not beta',
      match: { type: 'header', name: 'x-beta', value: { type: 'exact', text: 'no' } },
      percent: 100,
      group: 'stable',
    },
    { name: 'v', match: { type: 'query', name: 'v', value: null }, percent: 20, group: 'candidate' },
    {
      name: 'here',
      match: { type: 'network', networks: ['127.0.0.0/8'] },
      percent: 100,
      group: 'candidate',
    },
  ] as const;
  await gateway.route({ backends, split: at(50), rules });
  const count = async (path: string, headers = {}) => {
    let found = 0;
    for (let i = 0; i < 100; i += 1) {
      if ((await textOf(ask(gateway.port, { path, headers }))) === 'new') found += 1;
    }
    return found;
  };
  assert.equal(await count('/', { 'X-Beta': 'no' }), 0);
  assert.equal(await count('/?v=1'), 20);
  assert.equal(await count('/'), 100);
});

test('a routing that changes something else begins no share anew', async (t) => {
  const { gateway, backends, at } = await pair(t);
  const match = { type: 'query', name: 'v', value: null } as const;
  const rules = [{ name: 'v', match, percent: 3, group: 'candidate' }] as const;
  const found = { plain: 0, ruled: 0 };
  for (let i = 0; i < 100; i += 1) {
    if (i % 10 === 0) await gateway.route({ backends, split: at(2), rules, responseMs: 30_000 + i });
    if ((await textOf(ask(gateway.port))) === 'new') found.plain += 1;
    if ((await textOf(ask(gateway.port, { path: '/?v=1' }))) === 'new') found.ruled += 1;
  }
  assert.deepEqual(found, { plain: 2, ruled: 3 });
});

for (const trust of [['127.0.0.0/8'], ['10.0.0.0/8']])
  test(`a country counts only from a trusted network: ${trust.join()}`, async (t) => {
    const { gateway, backends, at } = await pair(t, { geo: { header: 'cf-ipcountry' }, trust });
    const rules = [
      { name: 'de', match: { type: 'country', countries: ['DE'] }, percent: 100, group: 'candidate' },
    ] as const;
    await gateway.route({ backends, split: at(0), rules });
    const from = (headers: Record<string, string | string[]>) => textOf(ask(gateway.port, { headers }));
    const believed = trust[0] === '127.0.0.0/8' ? 'new' : 'old';
    assert.equal(await from({ 'CF-IPCountry': 'DE' }), believed);
    assert.equal(await from({ 'cf-ipcountry': 'de' }), believed);
    assert.equal(await from({ 'CF-IPCountry': 'FR' }), 'old');
    assert.equal(await from({ 'CF-IPCountry': ['DE', 'DE'] }), 'old');
    assert.equal(await from({}), 'old');
  });

test('instances that are all new share alike, however long they warm up', async (t) => {
  const gateway = await startGateway(t, ONE);
  const apps = await startVersions(t, ['a', 'v1'], ['b', 'v1']);
  await gateway.route({ backends: apps.map(backendOf), slowStartMs: 600_000 });
  const bodies: string[] = [];
  for (let i = 0; i < 100; i += 1) bodies.push(await textOf(ask(gateway.port)));
  const first = bodies.filter((body) => body === 'a').length;
  assert.ok(Math.abs(first - 50) <= 5, `${first} of 100`);
});

test('whoever waits for the candidate goes when it has room, though others wait longer for stable', async (t) => {
  const gateway = await startGateway(t, ONE);
  const slow = new Map<string, http.ServerResponse>();
  const handle = (id: string) => (_: http.IncomingMessage, res: http.ServerResponse) =>
    void slow.set(id, res);
  const [old, next] = await Promise.all(['old', 'new'].map((id) => startApp(t, id, handle(id))));
  assert.ok(old && next);
  await gateway.route({
    backends: [backendOf(old), { ...backendOf(next), version: 'v2' }],
    split: [share('stable', 100, old), share('candidate', 0, next)],
    rules: [
      {
        name: 'new',
        match: { type: 'header', name: 'x-new', value: null },
        percent: 100,
        group: 'candidate',
      },
    ],
    policy: {
      ...DEFAULT_POLICY,
      instance: { requestsMax: 1, connectionsMax: null },
      queue: { forMs: 60_000, requestsMax: 10 },
    },
  });
  const get = (headers: Record<string, string> = {}) => textOf(ask(gateway.port, { headers }));
  const toNew = { 'x-new': '1' };
  const waiting = (count: number) =>
    eventually(`${count} wait`, () => gateway.plane.report()?.services[0]?.holding === count);
  const answers = [get(), get(toNew)];
  await eventually('both are under way', () => slow.size === 2);
  const first = get();
  await waiting(1);
  const second = get(toNew);
  await waiting(2);
  slow.get('new')?.end('done');
  slow.delete('new');
  await eventually('the one for the candidate is there', () => slow.has('new'));
  slow.get('new')?.end('second');
  assert.equal(await second, 'second');
  slow.get('old')?.end('done');
  slow.delete('old');
  await eventually('the one for stable is there', () => slow.has('old'));
  slow.get('old')?.end('first');
  assert.equal(await first, 'first');
  assert.deepEqual(await Promise.all(answers), ['done', 'done']);
});

/** Hunts a routing that touches what it does not change, or a preparation that shows before it is in force (T4). */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { RouteTable } from '../core/traffic/match.ts';
import { DEFAULT_POLICY } from '../core/traffic/policy.ts';
import type { Routing, ServiceRouting } from '../core/traffic/routing.ts';
import { DEFAULT_SETTINGS } from '../core/traffic/settings.ts';
import { Fleet } from './fleet.ts';
import { Sweep } from './sweep.ts';

const reads = { backends: 0 };

/** Tells when somebody looks at its instances. */
function service(name: string, generation: string, some: Partial<ServiceRouting> = {}): ServiceRouting {
  const backends = Array.from({ length: 3 }, (_, at) => ({
    ...{ id: `${name}-${generation}-${at}`, version: generation, host: '127.0.0.1', port: 1 + at },
  }));
  return {
    ...{ service: name, listen: { host: '', port: 1 }, routes: [{ host: name, path: '/' }] },
    ...{
      split: null,
      rules: [],
      shadow: null,
      sticky: null,
      flags: null,
      slowStartMs: 0,
      draining: [],
      responseMs: 1,
    },
    ...{ hold: { forMs: 0, requestsMax: 0 }, policy: DEFAULT_POLICY, tls: null },
    ...{ protocol: 'http1', proxied: true },
    get backends() {
      reads.backends += 1;
      return backends;
    },
    ...some,
  };
}

const routing = (number: number, services: readonly ServiceRouting[], some = {}): Routing => ({
  ...{ number, fence: 1, services, settings: { ...DEFAULT_SETTINGS, ...some } },
});

function newFleet(t: TestContext): Fleet {
  const sweep = new Sweep();
  t.after(() => sweep.stop());
  return new Fleet(sweep, { countryOf: () => null }, () => undefined);
}

const placesOf = (fleet: Fleet) => Object.fromEntries(fleet.instances.map(({ id, place }) => [id, place]));

test('what a routing does not change is not even looked at, however much there is', async (t) => {
  const workFor = async (count: number): Promise<number> => {
    const fleet = newFleet(t);
    const services = Array.from({ length: count }, (_, at) => service(`s${at}`, 'v1'));
    await fleet.apply(routing(1, services));
    reads.backends = 0;
    await fleet.apply(routing(2, services.with(3, service('s3', 'v2'))));
    const { backends } = reads;
    assert.equal(fleet.services[3]?.routing.backends[0]?.version, 'v2');
    return backends;
  };
  assert.equal(await workFor(1_000), await workFor(10));
});

test('what every service has to do for a routing is spread out, and done by each before its next request', async (t) => {
  const fleet = newFleet(t);
  const all = (generation: string) => Array.from({ length: 500 }, (_, at) => service(`s${at}`, generation));
  await fleet.apply(routing(1, all('v1')));
  const done = fleet.apply(routing(2, all('v2')));
  const inRotation = (generation: string) =>
    fleet.instances.filter(({ version, place }) => version === generation && place === 'rotation').length;
  assert.ok(inRotation('v1') > 0 && inRotation('v2') > 0, 'not in one turn');
  const last = fleet.services.at(-1);
  assert.equal(last?.routing.backends[0]?.version, 'v2');
  assert.equal(placesOf(fleet)['s499-v1-0'], 'rotation');
  last.settle();
  assert.equal(placesOf(fleet)['s499-v1-0'], 'out');
  assert.equal(placesOf(fleet)['s499-v2-0'], 'rotation');
  await done;
  assert.deepEqual([inRotation('v1'), inRotation('v2')], [0, 1_500]);
  const gone = fleet.apply(routing(3, []));
  assert.deepEqual(fleet.services, []);
  await gone;
  assert.equal(inRotation('v2'), 0);
});

test('other settings concern every service', async (t) => {
  const fleet = newFleet(t);
  const services = [service('a', 'v1'), service('b', 'v1')];
  await fleet.apply(routing(1, services));
  const before = fleet.services.map(({ trust }) => trust);
  await fleet.apply(routing(2, services, { trust: ['10.0.0.0/8'] }));
  for (const [at, { trust }] of fleet.services.entries()) assert.notEqual(trust, before[at]);
});

test('instances go where the routing has them: in, draining, out, and with their service', async (t) => {
  const fleet = newFleet(t);
  const drain = (id: string) => ({ id, requestsMs: 1, streamsMs: 1 });
  const other = service('b', 'v1');
  await fleet.apply(routing(1, [service('a', 'v1'), other]));
  await fleet.apply(routing(2, [service('a', 'v2', { draining: [drain('a-v1-0')] }), other]));
  assert.deepEqual(placesOf(fleet), {
    ...{ 'a-v1-0': 'draining', 'a-v1-1': 'out', 'a-v1-2': 'out' },
    ...{ 'a-v2-0': 'rotation', 'a-v2-1': 'rotation', 'a-v2-2': 'rotation' },
    ...{ 'b-v1-0': 'rotation', 'b-v1-1': 'rotation', 'b-v1-2': 'rotation' },
  });
  // One that was out may drain, one that drained may be out, one that was out may come back.
  const backends = [{ id: 'a-v1-2', version: 'v1', host: '127.0.0.1', port: 3 }];
  await fleet.apply(routing(3, [service('a', 'v3', { backends, draining: [drain('a-v1-1')] })]));
  assert.deepEqual(placesOf(fleet), {
    ...{ 'a-v1-0': 'out', 'a-v1-1': 'draining', 'a-v1-2': 'rotation' },
    ...{ 'a-v2-0': 'out', 'a-v2-1': 'out', 'a-v2-2': 'out' },
    ...{ 'b-v1-0': 'out', 'b-v1-1': 'out', 'b-v1-2': 'out' },
  });
});

test('what is prepared is used when it comes, not before, and forgotten when something else does', async (t) => {
  const fleet = newFleet(t);
  const first = service('a', 'v1');
  await fleet.apply(routing(1, [first]));
  const [changed, added] = [service('a', 'v2'), service('b', 'v1')];
  fleet.expect(DEFAULT_SETTINGS);
  fleet.prepare([changed, added]);
  assert.deepEqual([fleet.services.length, fleet.services[0]?.routing], [1, first]);
  const prepared = fleet.instances.filter(({ id }) => id.startsWith('b-'));
  await fleet.apply(routing(2, [changed, added]));
  assert.deepEqual(
    fleet.services.map(({ routing: now }) => now),
    [changed, added],
  );
  assert.deepEqual(
    fleet.instances.filter(({ id }) => id.startsWith('b-')),
    prepared,
  );
  fleet.expect(DEFAULT_SETTINGS);
  fleet.prepare([service('c', 'v1')]);
  fleet.expect(DEFAULT_SETTINGS);
  await fleet.apply(routing(3, [changed, added]));
  assert.deepEqual(
    fleet.instances.filter(({ id }) => id.startsWith('c-')),
    [],
  );
});

test('finding a route takes as many steps among a thousand services as among ten', async (t) => {
  const stepsFor = (count: number): number => {
    const entries = Array.from({ length: count }, (_, at) => {
      const route = { host: at % 2 === 0 ? `s${at}.example` : `*.w${at}.example`, path: '/api' };
      return [route, at] as const;
    });
    const table = new RouteTable(entries);
    const gets = t.mock.method(Map.prototype, 'get');
    assert.equal(table.find('s8.example', '/api/x/y'), 8);
    assert.equal(table.find('deep.down.w7.example', '/api'), 7);
    assert.equal(table.find('nowhere.example', '/'), undefined);
    const steps = gets.mock.callCount();
    gets.mock.restore();
    assert.ok(steps > 0);
    return steps;
  };
  assert.equal(stepsFor(1_000), stepsFor(10));
});

/** What control relies on in anything that carries traffic; each driver runs it over its own way of doing so. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { suite, test, type TestContext } from 'node:test';
import type { InstanceCounts } from '../../src/core/traffic/counts.ts';
import { DEFAULT_POLICY } from '../../src/core/traffic/policy.ts';
import type { Backend, Routing, ServiceRouting } from '../../src/core/traffic/routing.ts';
import { DEFAULT_SETTINGS } from '../../src/core/traffic/settings.ts';
import type { TrafficPlane } from '../../src/ports/traffic-plane.ts';
import { eventually } from './eventually.ts';
import { portOf, somePort } from './some-port.ts';

export interface PlaneUnderTest {
  /** A plane that is not open yet. Called again for the same test, it gives another one of the same project. */
  readonly make: (t: TestContext) => Promise<() => TrafficPlane>;
}

export function trafficPlaneContract(name: string, { make }: PlaneUnderTest): void {
  suite(`traffic plane: ${name}`, () => {
    test('an acknowledged routing is in force', async (t) => {
      const { plane, port } = await opened(t, make);
      for (const id of ['a', 'b', 'c']) {
        const backend = await startInstance(t, id);
        const ack = await plane.apply(routing(plane, [service(port, { backends: [backend] })]));
        assert.deepEqual(ack.failed, []);
        assert.equal(await get(port), id);
      }
    });

    test('an older routing is refused and changes nothing (R7)', async (t) => {
      const { plane, port } = await opened(t, make);
      const backend = await startInstance(t, 'a');
      await plane.apply({
        number: 5,
        fence: 1,
        services: [service(port, { backends: [backend] })],
        settings: DEFAULT_SETTINGS,
      });
      await assert.rejects(plane.apply({ number: 4, fence: 1, services: [], settings: DEFAULT_SETTINGS }), {
        code: 'FENCED_OUT',
      });
      assert.equal(await get(port), 'a');
    });

    test('the same routing twice is acknowledged twice', async (t) => {
      const { plane, port } = await opened(t, make);
      const backend = await startInstance(t, 'a');
      const same: Routing = {
        number: 1,
        fence: 1,
        services: [service(port, { backends: [backend] })],
        settings: DEFAULT_SETTINGS,
      };
      assert.equal((await plane.apply(same)).number, 1);
      assert.equal((await plane.apply(same)).number, 1);
    });

    test('requests under way are reported until they end, and the last one is reported at once', async (t) => {
      const { plane, port } = await opened(t, make);
      let finish = () => {};
      const backend = await startInstance(t, 'a', (_req, res) => (finish = () => void res.end('a')));
      await plane.apply(routing(plane, [service(port, { backends: [backend] })]));
      const answer = get(port);
      await eventually('it is under way', () => countsOf(plane, 'a')?.inFlight === 1);
      await plane.apply(routing(plane, [service(port, { draining: [drainOf('a')] })]));
      assert.equal(countsOf(plane, 'a')?.inFlight, 1);
      finish();
      assert.equal(await answer, 'a');
      const counts = await eventually('it has ended', () => {
        const now = countsOf(plane, 'a');
        return now?.inFlight === 0 ? now : null;
      });
      assert.deepEqual([counts.requests, counts.answered, counts.failed], [1, [1, 0, 0, 0], 0]);
    });

    test('counts of an instance outlive its place in the routing', async (t) => {
      const { plane, port } = await opened(t, make);
      const backend = await startInstance(t, 'a');
      await plane.apply(routing(plane, [service(port, { backends: [backend] })]));
      await get(port);
      await plane.apply(routing(plane, []));
      await eventually('the report knows it', () => countsOf(plane, 'a')?.requests === 1);
    });

    test('a fresh report knows of what has just been answered', async (t) => {
      const { plane, port } = await opened(t, make);
      const backend = await startInstance(t, 'a');
      await plane.apply(routing(plane, [service(port, { backends: [backend] })]));
      for (let answered = 1; answered <= 20; answered += 1) {
        await get(port);
        const report = await plane.freshReport();
        const counts = report?.instances.find((each) => each.instance === 'a');
        assert.deepEqual([counts?.requests, counts?.answered[0]], [answered, answered]);
      }
    });

    test('no instance: requests wait and are answered by the next one', async (t) => {
      const { plane, port } = await opened(t, make);
      await plane.apply(routing(plane, [service(port, { backends: [] })]));
      const answer = get(port);
      await eventually('it is held', () => plane.report()?.services[0]?.holding === 1);
      const backend = await startInstance(t, 'a');
      await plane.apply(routing(plane, [service(port, { backends: [backend] })]));
      assert.equal(await answer, 'a');
    });

    test('a taken address is named, and everything else is in force', async (t) => {
      const { plane, port } = await opened(t, make);
      const taken = net.createServer().listen(0, '127.0.0.1');
      await once(taken, 'listening');
      t.after(() => taken.close());
      const listen = { host: '127.0.0.1', port: portOf(taken.address()) };
      const backend = await startInstance(t, 'a');
      const ack = await plane.apply(
        routing(plane, [
          service(port, { backends: [backend] }),
          { ...service(port, { backends: [backend] }), service: 'other', listen },
        ]),
      );
      assert.deepEqual(
        ack.failed.map((each) => [each.listen, each.code]),
        [[listen, 'PORT_IN_USE']],
      );
      assert.equal(await get(port), 'a');
    });

    test('it carries on without us, and is found again', async (t) => {
      const { plane: first, another } = await planesOf(t, make);
      await first.open(1);
      const port = await somePort();
      const backend = await startInstance(t, 'a');
      await first.apply({
        number: 3,
        fence: 1,
        services: [service(port, { backends: [backend] })],
        settings: DEFAULT_SETTINGS,
      });
      await first.close();
      assert.equal(await get(port), 'a');
      const second = another();
      const events: unknown[] = [];
      second.onEvent((event) => events.push({ ...event, pid: 0 }));
      await second.open(2);
      assert.deepEqual(events, [{ type: 'adopted', pid: 0, routing: 3 }]);
    });
  });
}

async function opened(
  t: TestContext,
  make: PlaneUnderTest['make'],
): Promise<{ plane: TrafficPlane; port: number }> {
  const { plane } = await planesOf(t, make);
  await plane.open(1);
  return { plane, port: await somePort() };
}

/**
 * Hooks run in the order in which they were given, and a failed one is the last one: planes have to stop before
 * `make` removes what their processes write to.
 */
async function planesOf(
  t: TestContext,
  make: PlaneUnderTest['make'],
): Promise<{ plane: TrafficPlane; another: () => TrafficPlane }> {
  const made: TrafficPlane[] = [];
  t.after(async () => {
    for (const plane of made) await plane.stop(0);
  });
  const planes = await make(t);
  const another = () => {
    const plane = planes();
    made.push(plane);
    return plane;
  };
  return { plane: another(), another };
}

function routing(plane: TrafficPlane, services: readonly ServiceRouting[]): Routing {
  return { number: (plane.report()?.routing ?? 0) + 1, fence: 1, services, settings: DEFAULT_SETTINGS };
}

function service(port: number, some: Partial<ServiceRouting>): ServiceRouting {
  return {
    service: 'web',
    listen: { host: '127.0.0.1', port },
    proxied: true,
    routes: [{ host: null, path: '/' }],
    backends: [],
    split: null,
    rules: [],
    shadow: null,
    sticky: null,
    flags: null,
    slowStartMs: 0,
    draining: [],
    hold: { forMs: 20_000, requestsMax: 10 },
    responseMs: 20_000,
    policy: DEFAULT_POLICY,
    tls: null,
    protocol: 'http1',
    ...some,
  };
}

const drainOf = (id: string) => ({ id, requestsMs: 10_000, streamsMs: 10_000 });

async function startInstance(
  t: TestContext,
  id: string,
  handle: http.RequestListener = (_req, res) => void res.end(id),
): Promise<Backend> {
  const server = http.createServer(handle).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { id, version: 'v1', host: '127.0.0.1', port: portOf(server.address()) };
}

async function get(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
  return response.text();
}

function countsOf(plane: TrafficPlane, instance: string): InstanceCounts | undefined {
  return plane.report()?.instances.find((counts) => counts.instance === instance);
}

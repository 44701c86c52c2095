/**
 * Hunts monitors that believe the wrong program, hang or end in silence, restart what is only slow, and lose
 * what they found out. Real servers and probes; only the time between two checks is moved by hand.
 */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../drivers/clock/system.ts';
import { DirectProber } from '../drivers/prober/direct/prober.ts';
import type { Health } from '../core/project.ts';
import type { Runtime } from '../ports/runtime.ts';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { serviceSpec } from '../../test/support/service-spec.ts';
import { HealthMonitor } from './health-monitor.ts';

/** An instance that answers on each path as it is told. */
class App {
  readonly statuses = new Map<string, number>();
  readonly asked: string[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.asked.push(request.url ?? '');
      response.statusCode = this.statuses.get(request.url ?? '') ?? 200;
      response.end();
    });
  }

  static async start(t: TestContext): Promise<App> {
    const app = new App();
    await new Promise<void>((resolve) => app.#server.listen(0, '127.0.0.1', resolve));
    t.after(() => app.#server.close());
    return app;
  }

  get port(): number {
    const address = this.#server.address();
    assert.ok(isAddress(address));
    return address.port;
  }
}

const isAddress = (address: AddressInfo | string | null): address is AddressInfo =>
  typeof address === 'object' && address !== null;

interface Scene {
  readonly health?: Partial<Health>;
  readonly assumeReady?: boolean;
  readonly worker?: boolean;
  readonly listening?: () => Promise<readonly number[] | null>;
}

async function watching(t: TestContext, scene: Scene = {}) {
  const app = await App.start(t);
  const clock = new FakeClock();
  const told: string[] = [];
  const listening = scene.listening ?? (() => Promise.resolve([app.port]));
  const runtime: Pick<Runtime, 'listening'> = { listening };
  const monitor = new HealthMonitor(
    {
      id: 'web-r1-1',
      health: { ...serviceSpec().health, ...scene.health },
      target: { host: '127.0.0.1', port: app.port, hostHeader: null, dir: '/', env: () => ({}) },
      worker: scene.worker ?? false,
      assumeReady: scene.assumeReady ?? false,
      onReady: (ready, why) => told.push(ready ? 'ready' : `unready: ${why}`),
      onUnhealthy: (why) => told.push(`unhealthy: ${why}`),
    },
    { clock, prober: new DirectProber({ clock: systemClock }), runtime },
  );
  t.after(() => monitor.stop());
  monitor.start();
  /** Lets time pass, in steps that are shorter than any interval, until it holds. */
  const until = async (condition: () => boolean): Promise<void> => {
    const giveUpMs = systemClock.monotonicMs() + 20_000;
    while (!condition()) {
      assert.ok(systemClock.monotonicMs() < giveUpMs, `still: ${told.join(', ')}, ${monitor.trouble}`);
      await clock.advance(10);
      await sleep(1);
    }
  };
  const checks = async (count: number): Promise<void> => {
    const enough = app.asked.length + count;
    await until(() => app.asked.length >= enough);
  };
  return { app, clock, monitor, told, until, checks };
}

test('ready after as many passes as asked for, unready after as many failures, each said once', async (t) => {
  const { app, monitor, told, until, checks } = await watching(t);
  app.statuses.set('/ready', 503);
  await until(() => monitor.trouble !== null);
  assert.match(monitor.trouble ?? '', /503/);
  app.statuses.set('/ready', 200);
  await until(() => monitor.ready);
  assert.equal(monitor.trouble, null);
  app.statuses.set('/ready', 503);
  await until(() => !monitor.ready);
  app.statuses.set('/ready', 200);
  await until(() => monitor.ready);
  await checks(3);
  assert.deepEqual(
    told.map((line) => line.replace(/:.*/, '')),
    ['ready', 'unready', 'ready'],
  );
});

test('an answer of another program on the port does not make an instance ready (R9)', async (t) => {
  const { monitor, checks } = await watching(t, { listening: () => Promise.resolve([1]) });
  await checks(5);
  assert.equal(monitor.ready, false);
  assert.match(monitor.trouble ?? '', /something else answers/);
});

const readinessOf = (change: Partial<Health['readiness']>) => ({
  readiness: { ...serviceSpec().health.readiness, ...change },
});

test('a worker that is asked nothing is ready once it has run for so long, and stays so', async (t) => {
  const health = readinessOf({ check: { type: 'runs', forMs: 3_000 } });
  const { app, clock, monitor, told, until } = await watching(t, { health, worker: true });
  const startedMs = clock.monotonicMs();
  await until(() => monitor.trouble !== null);
  assert.match(monitor.trouble ?? '', /^it has run for \S+, and is ready after 3s$/);
  await until(() => monitor.ready);
  assert.ok(clock.monotonicMs() - startedMs >= 3_000);
  await clock.advance(60_000);
  assert.deepEqual(told, ['ready']);
  assert.deepEqual(app.asked, []);
});

test('a worker need not listen, unless it is asked on its own port (R9)', async (t) => {
  const listening = () => Promise.resolve([]);
  const command = readinessOf({ check: { type: 'command', command: 'true' } });
  const elsewhere = await watching(t, { health: command, worker: true, listening });
  await elsewhere.until(() => elsewhere.monitor.ready);
  const own = await watching(t, { worker: true, listening });
  await own.until(() => own.monitor.trouble !== null);
  await own.checks(3);
  assert.equal(own.monitor.ready, false);
  const web = await watching(t, { health: command, listening });
  await web.until(() => web.monitor.trouble !== null);
  assert.match(web.monitor.trouble ?? '', /does not listen there/);
});

test('a look at the system that fails is a failed check, and the next one is made', async (t) => {
  let broken = true;
  const listening = () => (broken ? Promise.reject(new Error('too many open files')) : Promise.resolve(null));
  const { monitor, until } = await watching(t, { listening });
  await until(() => monitor.trouble === 'too many open files');
  broken = false;
  await until(() => monitor.ready);
});

test('a failing dependency keeps a new instance out of traffic, and an old one only gets a word', async (t) => {
  const { app, monitor, told, until, checks } = await watching(t, {
    health: { dependencies: { queue: { type: 'path', path: '/queue' } } },
  });
  app.statuses.set('/queue', 500);
  await checks(6);
  assert.equal(monitor.ready, false);
  assert.match(monitor.trouble ?? '', /dependency queue/);
  app.statuses.set('/queue', 200);
  await until(() => monitor.ready);
  app.statuses.set('/queue', 500);
  await until(() => monitor.trouble !== null);
  // Said for as long as it is so, also after the readiness check has passed again.
  const asked = () => app.asked.filter((path) => path === '/ready').length;
  const before = asked();
  await until(() => asked() > before + 2);
  assert.match(monitor.trouble ?? '', /dependency queue/);
  assert.equal(monitor.ready, true);
  assert.deepEqual(told, ['ready']);
  app.statuses.set('/queue', 200);
  await until(() => monitor.trouble === null);
});

const liveness = {
  check: { type: 'path', path: '/live' },
  intervalMs: 1_000,
  timeoutMs: 1_000,
  failures: 3,
} as const;

test('liveness judges an instance that was ready, once, after as many failures as asked for', async (t) => {
  const { app, told, until, checks } = await watching(t, { health: { liveness } });
  app.statuses.set('/live', 500);
  await until(() => told.some((line) => line.startsWith('unhealthy')));
  assert.equal(app.asked.filter((path) => path === '/live').length, 3);
  await checks(5);
  assert.equal(told.filter((line) => line.startsWith('unhealthy')).length, 1);
});

test('an instance that starts slowly is not killed by its liveness check; one that hangs at its start is', async (t) => {
  const readiness = { ...serviceSpec().health.readiness, withinMs: 5_000 };
  const { app, clock, told, until } = await watching(t, { health: { liveness, readiness } });
  app.statuses.set('/ready', 503);
  app.statuses.set('/live', 500);
  await until(() => clock.monotonicMs() > 4_500);
  assert.deepEqual(told, []);
  assert.ok(!app.asked.includes('/live'));
  await until(() => told.length > 0);
  assert.match(told[0] ?? '', /unhealthy/);
});

test('one that was ready under an earlier control is believed until its checks fail', async (t) => {
  const { app, monitor, told, until } = await watching(t, { assumeReady: true });
  assert.equal(monitor.ready, true);
  app.statuses.set('/ready', 503);
  await until(() => !monitor.ready);
  assert.equal(told.length, 1);
});

test('a stopped monitor asks nothing, says nothing and leaves no timer', async (t) => {
  const { app, clock, monitor, told, checks } = await watching(t, {
    health: { liveness, dependencies: { own: { type: 'path', path: '/own' } } },
  });
  await checks(1);
  monitor.stop();
  await clock.advance(0);
  await sleep(20);
  const asked = app.asked.length;
  await clock.advance(120_000);
  assert.equal(clock.sleeping, 0);
  assert.equal(app.asked.length, asked);
  assert.deepEqual(told, []);
});

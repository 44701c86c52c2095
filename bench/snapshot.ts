/**
 * What a large routing costs a gateway's worker: 1,000 services with 10,000 instances, and a change of one of them:
 *   node bench/snapshot.ts [--check]
 * Times are of the worker's thread at work, so that other programs on the machine do not count.
 * --check: exit code 1 when the first takes over 50 ms, or requests would have waited for over 5 ms at once for any.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { RouteTable } from '../src/core/traffic/match.ts';
import { DEFAULT_POLICY } from '../src/core/traffic/policy.ts';
import type { Routing, ServiceRouting } from '../src/core/traffic/routing.ts';
import { RoutingAssembly, RoutingParts } from '../src/core/traffic/routing-parts.ts';
import { DEFAULT_SETTINGS } from '../src/core/traffic/settings.ts';
import { Gateway } from '../src/gateway/gateway.ts';
import { toWorker } from '../src/wire/worker-messages.ts';
import { lookAtMachine } from './support/machine.ts';
import { spreadOf } from './support/spread.ts';

const SERVICES = 1_000;
const INSTANCES_PER_SERVICE = 10;
const ROUNDS = 9;
const TOTAL_MS_MAX = 50;
const PAUSE_MS_MAX = 5;
const FINDS = 2_000_000;
const SETTLE_MS = 100;

const { values: options } = parseArgs({ options: { check: { type: 'boolean' } } });

function service(at: number, version: string): ServiceRouting {
  const backends = Array.from({ length: INSTANCES_PER_SERVICE }, (_, instance) => ({
    ...{ id: `service-${at}-${version}-${instance}`, version, host: '127.0.0.1', port: 20_000 + instance },
  }));
  return {
    ...{ service: `service-${at}`, listen: { host: '127.0.0.1', port: 1 }, backends, proxied: true },
    ...{ routes: [{ host: `s${at}.example.com`, path: '/' }], split: null, rules: [], shadow: null },
    ...{ sticky: null, flags: null, slowStartMs: 0, draining: [], hold: { forMs: 10_000, requestsMax: 100 } },
    ...{ responseMs: 60_000, policy: DEFAULT_POLICY, tls: null, protocol: 'http1' },
  };
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

interface Cost {
  readonly totalMs: number;
  /** The longest turn of the event loop. */
  readonly pauseMs: number;
}

/** As a worker takes it: line by line, each read and checked, and at the end put in force. */
async function cost(gateway: Gateway, sender: RoutingParts, routing: Routing): Promise<Cost> {
  const { frame, parts } = sender.next(routing);
  // The sender is another process, and so is what it leaves behind.
  globalThis.gc?.({ type: 'minor' });
  const lines = [
    JSON.stringify({ type: 'routing-begins', frame }),
    ...parts.map((services) => JSON.stringify({ type: 'services', services })),
  ];
  let pauseMs = 0;
  let assembly: RoutingAssembly | null = null;
  const beganMs = threadMs();
  let turnMs = beganMs;
  let watching = true;
  const everyTurn = () => {
    const nowMs = threadMs();
    pauseMs = Math.max(pauseMs, nowMs - turnMs);
    turnMs = nowMs;
    if (watching) setImmediate(everyTurn);
  };
  setImmediate(everyTurn);
  for (const line of lines) {
    const message = toWorker.parse(JSON.parse(line));
    if (message.type === 'routing-begins') {
      assembly = RoutingAssembly.begin(message.frame, gateway.routing);
      gateway.expect(message.frame.settings);
    } else if (message.type === 'services') {
      assembly?.add(message.services);
      gateway.prepare(message.services);
    }
    await nextTurn();
  }
  const whole = assembly?.routing();
  if (!whole) throw new Error('a part is missing');
  await gateway.apply(whole);
  const totalMs = threadMs() - beganMs;
  watching = false;
  await nextTurn();
  return { totalMs, pauseMs };
}

async function run(): Promise<boolean> {
  const machine = await lookAtMachine();
  console.log(
    `${machine.cores} x ${machine.processor}, Node ${machine.node}, others used ${machine.busyPercent.toFixed(0)}%`,
  );
  const services = Array.from({ length: SERVICES }, (_, at) => service(at, 'v1'));
  const routing = (number: number, all: readonly ServiceRouting[]): Routing => ({
    ...{ number, fence: 1, services: all, settings: DEFAULT_SETTINGS },
  });
  const costs: Record<'whole' | 'one' | 'all', Cost[]> = { whole: [], one: [], all: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const gateway = new Gateway({ log: console.log, onDue: () => undefined, inherited: new Map() });
    const sender = new RoutingParts();
    costs.whole.push(await cost(gateway, sender, routing(1, services)));
    costs.one.push(await cost(gateway, sender, routing(2, services.with(500, service(500, 'v2')))));
    const anew = services.map((_, at) => service(at, 'v3'));
    costs.all.push(await cost(gateway, sender, routing(3, anew)));
    await gateway.stop(0);
    // Ten thousand drains that end are of this gateway, and not a part of what the next one is asked.
    await sleep(SETTLE_MS);
  }
  const median = (all: readonly Cost[], of: keyof Cost) => spreadOf(all.map((each) => each[of])).median;
  const say = (what: string, all: readonly Cost[]) =>
    console.log(
      `${what.padEnd(44)} ${median(all, 'totalMs').toFixed(1).padStart(7)} ms, longest turn ${median(all, 'pauseMs').toFixed(1)} ms`,
    );
  console.log(`${SERVICES} services, ${SERVICES * INSTANCES_PER_SERVICE} instances; medians of ${ROUNDS}.`);
  say('all of it, to a gateway that has nothing', costs.whole);
  say('then one service gets other instances', costs.one);
  say('then every service does at once', costs.all);
  for (const count of [10, SERVICES])
    console.log(`finding a route among ${count}: ${findNs(services, count)} ns`);
  const pauses = Object.values(costs).map((all) => median(all, 'pauseMs'));
  return median(costs.whole, 'totalMs') <= TOTAL_MS_MAX && pauses.every((ms) => ms <= PAUSE_MS_MAX);
}

function findNs(services: readonly ServiceRouting[], count: number): number {
  const some = services.slice(0, count);
  const table = new RouteTable(some.flatMap((each) => each.routes.map((route) => [route, each] as const)));
  const hosts = some.map((each) => each.routes[0]?.host ?? '');
  const beganMs = threadMs();
  for (let at = 0; at < FINDS; at += 1) table.find(hosts[at % count] ?? '', '/some/path');
  return Math.round(((threadMs() - beganMs) * 1e6) / FINDS);
}

const kept = await run();
if (options.check && !kept) {
  console.log(`MISSED: at most ${TOTAL_MS_MAX} ms, and ${PAUSE_MS_MAX} ms at once`);
  process.exitCode = 1;
}

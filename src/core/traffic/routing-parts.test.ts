/** Hunts a routing that arrives as another one than was sent, or work for what did not change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../limits.ts';
import { DEFAULT_POLICY } from './policy.ts';
import type { Routing, ServiceRouting } from './routing.ts';
import { RoutingAssembly, RoutingParts, type PartedRouting } from './routing-parts.ts';
import { DEFAULT_SETTINGS } from './settings.ts';

const service = (name: string, port: number, instances = 1): ServiceRouting => ({
  ...{ service: name, listen: { host: '', port }, routes: [], split: null, rules: [], shadow: null },
  backends: Array.from({ length: instances }, (_, at) => ({
    ...{ id: `${name}-${at}`, version: 'v1', host: '127.0.0.1', port: 1 + at },
  })),
  ...{
    sticky: null,
    flags: null,
    slowStartMs: 0,
    draining: [],
    hold: { forMs: 0, requestsMax: 0 },
    responseMs: 1,
  },
  ...{ policy: DEFAULT_POLICY, tls: null, protocol: 'http1', proxied: true },
});

const routing = (number: number, services: readonly ServiceRouting[]): Routing => ({
  ...{ number, fence: 1, services, settings: DEFAULT_SETTINGS },
});

function arrived({ frame, parts }: PartedRouting, current: Routing | null): Routing | null {
  const assembly = RoutingAssembly.begin(frame, current);
  for (const part of parts) assembly?.add(structuredClone(part));
  return assembly?.routing() ?? null;
}

const servicesOf = (from: Routing | null): readonly ServiceRouting[] => from?.services ?? [];

test('whatever changes, what arrives is what was sent; what did not change is the same object', () => {
  const some = fc.uniqueArray(
    fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), fc.integer({ min: 1, max: 3 })),
    {
      selector: ([name]) => name,
    },
  );
  fc.assert(
    fc.property(fc.array(some, { maxLength: 8 }), (rounds) => {
      const sender = new RoutingParts();
      let current: Routing | null = null;
      for (const [at, entries] of rounds.entries()) {
        const wanted = routing(
          at + 1,
          entries.map(([name, port]) => service(name, port)),
        );
        const before: Routing | null = current;
        current = arrived(sender.next(wanted), current);
        assert.deepEqual(current, wanted);
        for (const now of current?.services ?? []) {
          const was: ServiceRouting | undefined = servicesOf(before).find(
            (each) => each.service === now.service,
          );
          if (was && was.listen.port === now.listen.port) assert.equal(now, was);
        }
      }
    }),
  );
});

test('nothing is built on a routing that the receiver does not have', () => {
  const sender = new RoutingParts();
  sender.next(routing(1, [service('a', 1)]));
  const second = routing(2, [service('a', 1), service('b', 1)]);
  const parted = sender.next(second);
  assert.equal(parted.frame.base, 1);
  assert.equal(arrived(parted, null), null);
  assert.equal(arrived(parted, routing(7, [])), null);
  assert.deepEqual(arrived(new RoutingParts().next(second), null), second);
});

test('a part that is missing is noticed', () => {
  const { frame } = new RoutingParts().next(routing(1, [service('a', 1)]));
  assert.equal(RoutingAssembly.begin(frame, null)?.routing(), null);
});

test('parts are small, however large the routing is, and a change of one service is one part', () => {
  const sender = new RoutingParts();
  const services = Array.from({ length: 1_000 }, (_, at) => service(`s${at}`, 1, 10));
  const { parts } = sender.next(routing(1, services));
  assert.equal(parts.flat().length, 1_000);
  for (const part of parts)
    assert.ok(
      part.reduce((sum, { backends }) => sum + 1 + backends.length, 0) <= limits.gateway.routingPartSize,
    );
  const next = services.with(500, service('s500', 2, 10));
  assert.deepEqual(sender.next(routing(2, next)).parts, [[next[500]]]);
});

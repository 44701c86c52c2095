/** Hunts a tunnel that a client keeps open, and its instance with it, by not reading (docs/operating.md). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import { limits } from '../core/limits.ts';
import { eventually } from '../../test/contract/eventually.ts';
import type { Call } from './call.ts';
import { ClientConnection, type ClientOwner } from './client-connection.ts';
import { monotonicMs } from './clock.ts';
import { Eras } from './eras.ts';
import { FailureRing } from './failure-ring.ts';
import { GatewayTally } from './gateway-tally.ts';
import { Peer } from './http1/peer.ts';
import { Instance } from './instance.ts';
import { ServiceTally } from './service-tally.ts';
import { Sweep } from './sweep.ts';
import { tunnel } from './tunnel.ts';
import type { Upstream } from './upstream.ts';

const PART = Buffer.alloc(64 * 1024);
const PARTS_MAX = 1_000;

class FakeUpstream implements Upstream {
  user: Upstream['user'] = null;
  deadlineMs = Infinity;
  readonly mayRefuse = false;
  readonly refused = false;
  readonly flushed = true;
  readonly writable = true;
  resumed = 0;
  destroyed = false;

  send(): boolean {
    return true;
  }

  resume(): void {
    this.resumed += 1;
  }

  end(): void {}

  destroy(): void {
    this.destroyed = true;
  }

  keep(): void {}

  expired(): void {
    this.user?.upstreamExpired();
  }
}

/** The client of the tunnel that is begun does not read. */
async function begun(t: TestContext) {
  const dispatched = Promise.withResolvers<Call>();
  const owner: ClientOwner = {
    ...{ retiring: false, closing: false, tally: new GatewayTally() },
    ...{ closed: () => undefined, http2: () => undefined, dispatch: (call) => dispatched.resolve(call) },
  };
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    void new ClientConnection(socket, owner, new Peer());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address !== null && typeof address === 'object');
  const client = net.connect({ port: address.port, host: '127.0.0.1', allowHalfOpen: true });
  client.on('error', () => undefined);
  client.pause().write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n');
  const call = await dispatched.promise;
  const sweep = new Sweep();
  t.after(() => {
    client.destroy();
    server.close();
    sweep.stop();
  });
  const backend = { id: 'a', version: 'v1', host: '127.0.0.1', port: 1 };
  const instance = new Instance('web', backend, { protocol: 'http1', sweep, onIdle: () => undefined });
  const row = new ServiceTally('web', new FailureRing());
  const ticket = instance.tally.begin(
    new Eras().current,
    row.row({ version: 'v1', group: null, percent: null, rule: null }),
  );
  const upstream = new FakeUpstream();
  const switching = Buffer.from('HTTP/1.1 101 Go\r\n\r\n');
  tunnel({ call, protocol: 'foo', instance, ticket, upstream, switching, rest: Buffer.alloc(0) });
  return { call, client, upstream, instance };
}

/** As much as the system takes, and one part more. */
function fill({ user }: FakeUpstream): void {
  let parts = 0;
  while (user?.read(PART, 0, PART.length)) {
    parts += 1;
    assert.ok(parts < PARTS_MAX, 'somebody reads');
  }
}

const isBounded = ({ client }: Call) =>
  client.deadlineMs <= monotonicMs() + limits.gateway.clientStallTimeoutMs;

test('a client that does not read has its time, and all of it again once it has read', async (t) => {
  const { call, client, upstream } = await begun(t);
  assert.equal(call.client.deadlineMs, Infinity);
  fill(upstream);
  assert.ok(isBounded(call));
  client.resume();
  await eventually('the instance goes on', () => upstream.resumed === 1);
  assert.equal(call.client.deadlineMs, Infinity);
  client.pause();
  fill(upstream);
  call.client.expired();
  await eventually('the instance is let go', () => upstream.destroyed);
});

test('an instance that has ended leaves nothing that waits without end', async (t) => {
  const reset = await begun(t);
  fill(reset.upstream);
  reset.upstream.user?.upstreamClosed();
  assert.ok(isBounded(reset.call));
  const ended = await begun(t);
  ended.upstream.user?.upstreamEnded();
  ended.client.resume();
  await eventually('the end was taken', () => ended.call.client.deadlineMs === Infinity);
  ended.client.end();
  await eventually('the instance has its time for what was sent', () => ended.upstream.deadlineMs < Infinity);
  ended.upstream.expired();
  assert.ok(ended.upstream.destroyed);
});

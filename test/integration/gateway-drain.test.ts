/**
 * Hunts requests lost while instances come and go (rows 3, 5, 9 and 15 of the field table): clients that never
 * try again, keep-alive and fresh connections, GET and POST, and zero failures as the only result.
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type App,
  ask,
  backendOf,
  type Harness,
  startApp,
  startGateway,
  startRaw,
} from './gateway-harness.ts';
import { eventually } from '../contract/eventually.ts';

interface Load {
  readonly done: Promise<{ answered: number; failures: string[] }>;
  stop(): void;
}

/** Some clients, each sending one request after the other. */
function load(t: TestContext, port: number, options: { keepAlive: boolean; pauseMs?: number }): Load {
  let running = true;
  let answered = 0;
  const failures: string[] = [];
  const agent = new http.Agent({ keepAlive: options.keepAlive, maxSockets: 8 });
  const client = async (method: string) => {
    while (running) {
      const body = method === 'POST' ? 'x'.repeat(1000) : '';
      try {
        const answer = await ask(port, { method, agent, headers: { 'Content-Length': body.length }, body });
        if (answer.status === 200) answered += 1;
        else failures.push(`${method} ${answer.status} ${answer.body.toString()}`);
      } catch (error) {
        failures.push(`${method} ${String(error)}`);
      }
      await sleep(options.pauseMs ?? 1);
    }
  };
  const clients = ['GET', 'POST', 'GET', 'POST'].map(client);
  t.after(() => {
    running = false;
    agent.destroy();
  });
  return {
    done: Promise.all(clients).then(() => ({ answered, failures })),
    stop: () => {
      running = false;
    },
  };
}

const slow: http.RequestListener = (req, res) => {
  req.resume().once('end', () => setTimeout(() => res.end('ok'), 20));
};

/** The order of a release: new instance in, old one out of the routing, drained, killed. */
async function replace(gateway: Harness, old: App, next: App): Promise<void> {
  await gateway.route({ backends: [backendOf(old), backendOf(next)] });
  await gateway.route({
    backends: [backendOf(next)],
    draining: [{ id: old.id, requestsMs: 5_000, streamsMs: 5_000 }],
  });
  // The last report may be from before its requests.
  await eventually(`${old.id} is drained`, async () => {
    const report = await gateway.plane.freshReport();
    return report?.instances.find(({ instance }) => instance === old.id)?.inFlight === 0;
  });
  old.kill();
}

test('rolling through instances under load loses nothing', async (t) => {
  const gateway = await startGateway(t);
  let serving = await startApp(t, 'i0', slow);
  await gateway.route({ backends: [backendOf(serving)] });
  const loads = [true, false].map((keepAlive) => load(t, gateway.port, { keepAlive }));
  for (let i = 1; i <= 8; i += 1) {
    await sleep(50);
    const next = await startApp(t, `i${i}`, slow);
    await replace(gateway, serving, next);
    serving = next;
  }
  for (const each of loads) each.stop();
  for (const { done } of loads) {
    const { answered, failures } = await done;
    assert.deepEqual(failures, []);
    assert.ok(answered > 0);
  }
  assert.equal(gateway.counts('i0')?.failed, 0);
});

test('an instance that closes idle connections early and does not say so loses no POST', async (t) => {
  const gateway = await startGateway(t);
  let crossed = 0;
  const app = await startRaw(t, 'a', (socket) => {
    let idleSinceMs = Infinity;
    socket.on('data', () => {
      // As if the close at 150 ms crossed the request on its way, every time.
      if (performance.now() - idleSinceMs > 150) {
        crossed += 1;
        socket.destroy();
        return;
      }
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      idleSinceMs = performance.now();
    });
  });
  await gateway.route({ backends: [backendOf(app)] });
  // Again, where the machine was so slow that the gateway was the first to close each time.
  while (crossed === 0)
    for (const method of ['POST', 'GET', 'POST', 'POST', 'GET', 'POST']) {
      const answer = await ask(gateway.port, { method, body: method === 'POST' ? 'once' : '' });
      assert.equal(answer.status, 200);
      await sleep(200);
    }
  assert.equal(gateway.counts('a')?.failed, 0);
});

test('crashes without a drain: what may be sent again is, and only that', async (t) => {
  const gateway = await startGateway(t);
  const seen: unknown[] = [];
  const [dying, living] = await Promise.all([
    startApp(t, 'dying', () => undefined),
    startApp(t, 'living', ({ method }, res) => {
      seen.push(method);
      res.end('ok');
    }),
  ]);
  await gateway.route({ backends: [backendOf(dying)] });
  const get = ask(gateway.port);
  const post = ask(gateway.port, { method: 'POST', body: 'once' });
  await eventually('both are under way', () => gateway.counts('dying')?.inFlight === 2);
  await gateway.route({ backends: [backendOf(dying), backendOf(living)] });
  dying.kill();
  assert.equal((await get).status, 200);
  const lost = await post;
  assert.equal(lost.status, 502);
  assert.equal(lost.headers['segue-error'], 'instance-failed');
  assert.deepEqual(seen, ['GET'], 'row 4: no POST was processed twice');
  const counts = await eventually('it is counted', () => {
    const now = gateway.counts('dying');
    return now?.inFlight === 0 ? now : null;
  });
  assert.deepEqual([counts.requests, counts.failed, counts.retried], [1, 1, 1]);
});

test('a refused connection moves on to another instance, POST included', async (t) => {
  const gateway = await startGateway(t);
  const [gone, living] = await Promise.all([startApp(t, 'gone'), startApp(t, 'living')]);
  gone.kill();
  await gateway.route({ backends: [backendOf(gone), backendOf(living)] });
  for (let i = 0; i < 20; i += 1) {
    const answer = await ask(gateway.port, { method: 'POST', body: 'x' });
    assert.equal(answer.body.toString(), 'living');
  }
});

test('an unready instance keeps what it has under way and gets nothing new', async (t) => {
  const gateway = await startGateway(t);
  let finish = () => {};
  const unready = await startApp(t, 'unready', (_req, res) => {
    res.write('first ');
    finish = () => res.end('last');
  });
  const other = await startApp(t, 'other');
  await gateway.route({ backends: [backendOf(unready)] });
  const running = ask(gateway.port);
  await eventually('it is under way', () => gateway.counts('unready')?.inFlight === 1);
  await gateway.route({ backends: [backendOf(other)] });
  assert.equal((await ask(gateway.port)).body.toString(), 'other');
  finish();
  assert.equal((await running).body.toString(), 'first last');
});

test('a kept connection that the instance closed: a GET is sent again on a new one', async (t) => {
  const gateway = await startGateway(t);
  let connections = 0;
  let crossed = 0;
  const app = await startRaw(t, 'a', (socket) => {
    connections += 1;
    let asked = 0;
    socket.on('data', () => {
      asked += 1;
      if (asked === 1) return socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      // As if the close crossed the request on its way.
      crossed += 1;
      return socket.destroy();
    });
  });
  await gateway.route({ backends: [backendOf(app)] });
  let asks = 0;
  // One that comes late finds no kept connection: the gateway closes them first.
  for (; crossed < 4; asks += 1) assert.equal((await ask(gateway.port)).status, 200);
  assert.equal(connections, asks);
  // One under way counts as a request, so it is their answers that say when all is told.
  await eventually('each is answered', () => gateway.counts('a')?.answered[0] === asks);
  const { requests, retried } = gateway.counts('a') ?? {};
  assert.deepEqual([requests, retried], [asks, crossed]);
});

test('an instance that names its idle limit is believed, and one that speaks unasked is not', async (t) => {
  const gateway = await startGateway(t);
  let connections = 0;
  const limited = await startRaw(t, 'limited', (socket) => {
    connections += 1;
    const answer = 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok';
    socket.on('data', () => socket.write(answer));
  });
  let spoken = 0;
  const chatty = await startRaw(t, 'chatty', (socket) => {
    socket.on('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      setTimeout(() => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil', () => (spoken += 1));
      }, 20);
    });
  });
  await gateway.route({ backends: [backendOf(limited)] });
  for (let i = 0; i < 3; i += 1) await ask(gateway.port);
  assert.equal(connections, 3);
  await gateway.route({ backends: [backendOf(chatty)] });
  for (let i = 0; i < 3; i += 1) {
    assert.equal((await ask(gateway.port)).body.toString(), 'ok');
    await eventually('it spoke unasked', () => spoken === i + 1);
  }
});

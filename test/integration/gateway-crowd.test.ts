/** Hunts clients that wait for seconds, or never get in, because many came at once: an accept queue too short. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { test } from 'node:test';
import { eventually } from '../contract/eventually.ts';
import { startApp, startGateway } from './gateway-harness.ts';

/** More than a listener of Node's has room for unless it is told otherwise. */
const CLIENTS = 700;
const PATIENCE_MS = 20_000;

test('a crowd that comes while the gateway is busy is let in whole', async (t) => {
  const allowed = Number(fs.readFileSync('/proc/sys/net/core/somaxconn', 'utf8'));
  if (allowed < CLIENTS) return t.skip(`this system allows ${allowed} waiting connections`);
  const gateway = await startGateway(t);
  const app = await startApp(t, 'a');
  await gateway.route({ backends: [app] });
  // Nobody takes connections meanwhile; the system completes them.
  await eventually('its workers are known', () => gateway.plane.workers.length > 0);
  const workers = gateway.plane.workers.map(({ pid }) => pid);
  for (const pid of workers) process.kill(pid, 'SIGSTOP');
  const sockets: net.Socket[] = [];
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const socket = net.connect(gateway.port, '127.0.0.1').on('error', () => undefined);
        sockets.push(socket);
        await once(socket, 'connect', { signal });
      }),
    );
  } finally {
    for (const pid of workers) process.kill(pid, 'SIGCONT');
  }
  const answers = await Promise.all(
    sockets.map(async (socket) => {
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      const [bytes] = await once(socket, 'data');
      return String(bytes).slice(0, 12);
    }),
  );
  assert.deepEqual(new Set(answers), new Set(['HTTP/1.1 200']));
});

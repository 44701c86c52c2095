/** The gateway's program as anybody may start it: without control, with the service manager's sockets. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { GATEWAY_MAIN } from '../integration/gateway-harness.ts';
import { processesUnder } from './processes.ts';

/** An empty project. What runs in it when the test ends is killed. */
export async function emptyRoot(t: TestContext): Promise<string> {
  const root = await mkdtemp(path.join(os.tmpdir(), 'gateway-test-'));
  t.after(async () => {
    await killUnder(root);
    await rm(root, { recursive: true, force: true });
  });
  return root;
}

/** Everything at once, as a machine that loses its power. */
export async function killUnder(root: string): Promise<void> {
  for (let left = await gatewayUnder(root); left.length > 0; left = await gatewayUnder(root)) {
    for (const pid of left) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
  }
}

export async function gatewayUnder(root: string): Promise<number[]> {
  return (await processesUnder(root)).map(({ pid }) => pid).filter((pid) => pid !== process.pid);
}

/** Its log goes to the project's, as control has it. */
export function startMaster(root: string): ChildProcess {
  return spawn(
    '/bin/sh',
    ['-c', 'mkdir -p .segue; exec "$0" "$@" 2>>.segue/gateway.log', process.execPath, GATEWAY_MAIN],
    {
      cwd: root,
      detached: true,
      stdio: 'ignore',
    },
  );
}

export const logOf = (root: string) =>
  readFile(path.join(root, '.segue/gateway.log'), 'utf8').catch(() => '');

/**
 * As a service manager does (sd_listen_fds(3)): sockets that listen already, from descriptor 3 on, and the number
 * of the process that they are for, which only a shell that becomes it can know.
 */
export function startActivated(root: string, sockets: readonly net.BoundSocket[]): ChildProcess {
  const become = 'mkdir -p .segue; LISTEN_PID=$$ exec "$0" "$@" 2>>.segue/gateway.log';
  return spawn('/bin/sh', ['-c', become, process.execPath, GATEWAY_MAIN], {
    cwd: root,
    detached: true,
    env: {
      ...process.env,
      LISTEN_FDS: String(sockets.length),
      LISTEN_FDNAMES: sockets.map(() => 'web').join(':'),
    },
    stdio: ['ignore', 'ignore', 'ignore', ...sockets.map((socket) => socket.fd())],
  });
}

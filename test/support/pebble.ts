/** A real certificate authority for tests: Debian's pebble, with its DNS that finds every name on this machine. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import path from 'node:path';
import { somePort } from '../contract/some-port.ts';
import { eventually } from '../contract/eventually.ts';
import { makeCertificate } from './certificates.ts';

export interface Pebble {
  readonly directory: string;
  /** Who speaks to it has to trust this certificate. */
  readonly ca: string;
  stop(): Promise<void>;
}

export function hasPebble(): boolean {
  try {
    execFileSync('which', ['pebble', 'pebble-challtestsrv', 'openssl']);
    return true;
  } catch {
    return false;
  }
}

export async function startPebble(dir: string, httpPort: number, validityS: number): Promise<Pebble> {
  const [port, management, dns, dnsManagement] = [
    await somePort(),
    await somePort(),
    await somePort(),
    await somePort(),
  ];
  const own = await makeCertificate(dir, 'pebble', { hosts: ['localhost'] });
  const config = {
    pebble: {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate: own.certificate,
      privateKey: own.key,
      httpPort,
      tlsPort: 1,
      certificateValidityPeriod: validityS,
    },
  };
  const file = path.join(dir, 'pebble.json');
  await fs.writeFile(file, JSON.stringify(config));
  const names = spawn(
    'pebble-challtestsrv',
    [
      ...['-defaultIPv4', '127.0.0.1', '-defaultIPv6', '', '-dns01', `127.0.0.1:${dns}`],
      ...['-http01', '', '-https01', '', '-tlsalpn01', '', '-management', `127.0.0.1:${dnsManagement}`],
    ],
    { stdio: 'ignore' },
  );
  const server = spawn('pebble', ['-config', file, '-dnsserver', `127.0.0.1:${dns}`], {
    env: { PATH: process.env['PATH'], PEBBLE_VA_NOSLEEP: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  server.stdout.on('data', (part: Buffer) => (output += part.toString()));
  server.stderr.on('data', (part: Buffer) => (output += part.toString()));
  await eventually('pebble listens', () => {
    if (server.exitCode !== null) throw new Error(`pebble ended: ${output}`);
    return output.includes('ACME directory available');
  });
  return {
    directory: `https://localhost:${port}/dir`,
    ca: own.certificate,
    stop: async () => {
      await Promise.all([end(names), end(server)]);
    },
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

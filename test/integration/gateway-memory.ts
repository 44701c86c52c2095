/** What the processes of a gateway hold: those that carry traffic, not only the master that its harness knows. */
import fs from 'node:fs/promises';
import { eventually } from '../contract/eventually.ts';
import type { Harness } from './gateway-harness.ts';

export async function workerPids({ plane }: Harness): Promise<number[]> {
  await eventually('its workers are known', () => plane.workers.length > 0);
  return plane.workers.map(({ pid }) => pid);
}

/** Of all workers together. */
export async function residentBytes(gateway: Harness): Promise<number> {
  const pids = await workerPids(gateway);
  const sizes = await Promise.all(
    pids.map(async (pid) => {
      const status = await fs.readFile(`/proc/${pid}/status`, 'utf8');
      return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

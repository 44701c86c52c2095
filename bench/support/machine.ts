/** What the figures were measured on. */
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  /** How much of all cores others were using right before the run: that part of the figures is noise. */
  readonly busyPercent: number;
}

const LOOK_MS = 1_000;

export async function lookAtMachine(): Promise<Machine> {
  const cpus = os.cpus();
  return {
    cores: os.availableParallelism(),
    processor: cpus[0]?.model.trim() ?? 'unknown',
    memoryBytes: os.totalmem(),
    system: `${os.type()} ${os.release()}`,
    node: process.version,
    busyPercent: await busyPercent(),
  };
}

async function busyPercent(): Promise<number> {
  const before = ticks();
  await sleep(LOOK_MS);
  const after = ticks();
  const total = after.total - before.total;
  return total === 0 ? 0 : (100 * (total - (after.idle - before.idle))) / total;
}

function ticks(): { readonly total: number; readonly idle: number } {
  let total = 0;
  let idle = 0;
  for (const { times } of os.cpus()) {
    total += times.user + times.nice + times.sys + times.irq + times.idle;
    idle += times.idle;
  }
  return { total, idle };
}

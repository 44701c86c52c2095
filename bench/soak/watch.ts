/** Memory and descriptors of every process of Segue's own, looked at again and again. */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { processesUnder } from '../../test/support/processes.ts';
import { growthPerMinute, type Point } from './growth.ts';

const INTERVAL_MS = 2_000;
/** A process that has just begun fills its heap and its pools first. */
const SETTLES_WITHIN_MS = 45_000;
const MAINS: Readonly<Record<string, Role>> = {
  control: 'control',
  gateway: 'gateway',
  'gateway-worker': 'worker',
};

export type Role = 'control' | 'gateway' | 'worker';

export interface Member {
  readonly pid: number;
  readonly role: Role;
}

/** Those of this project that run now. */
export async function membersOf(dir: string): Promise<readonly Member[]> {
  const found = await processesUnder(dir);
  return found.flatMap(({ pid, commandLine }) => {
    const main = commandLine
      .map((word) => /\/(?:main|bundle)\/([a-z-]+)\.[jt]s$/.exec(word)?.[1])
      .find(Boolean);
    const role = main === undefined ? undefined : MAINS[main];
    return role === undefined ? [] : [{ pid, role }];
  });
}

interface Seen {
  readonly role: Role;
  readonly memory: Point[];
  readonly descriptors: Point[];
}

export interface Growth {
  readonly role: Role;
  readonly pid: number;
  readonly watchedMs: number;
  readonly memoryBytes: number;
  readonly memoryBytesPerMinute: number | null;
  readonly descriptors: number;
  readonly descriptorsPerMinute: number | null;
}

export class Watch {
  readonly #dir: string;
  readonly #stop = new AbortController();
  readonly #seen = new Map<number, Seen>();
  readonly #done: Promise<void>;

  constructor(dir: string) {
    this.#dir = dir;
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
  }

  /** Of the processes that are there, since they had settled. */
  growths(): readonly Growth[] {
    const nowMs = performance.now();
    return [...this.#seen].flatMap(([pid, { role, memory, descriptors }]) => {
      const last = memory.at(-1);
      if (!last || last.atMs < nowMs - 5 * INTERVAL_MS) return [];
      const fromMs = (memory[0]?.atMs ?? nowMs) + SETTLES_WITHIN_MS;
      const late = (points: readonly Point[]) => points.filter(({ atMs }) => atMs >= fromMs);
      return [
        {
          role,
          pid,
          watchedMs: Math.max(0, last.atMs - fromMs),
          memoryBytes: last.value,
          memoryBytesPerMinute: growthPerMinute(late(memory)),
          descriptors: descriptors.at(-1)?.value ?? 0,
          descriptorsPerMinute: growthPerMinute(late(descriptors)),
        },
      ];
    });
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      for (const member of await membersOf(this.#dir)) await this.#look(member);
      await sleep(INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  async #look({ pid, role }: Member): Promise<void> {
    try {
      const status = await readFile(`/proc/${pid}/status`, 'utf8');
      const value = 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
      const { length } = await readdir(`/proc/${pid}/fd`);
      const seen = this.#seen.get(pid) ?? { role, memory: [], descriptors: [] };
      this.#seen.set(pid, seen);
      const atMs = performance.now();
      seen.memory.push({ atMs, value });
      seen.descriptors.push({ atMs, value: length });
    } catch {
      // It ended as we looked.
    }
  }
}

/** Who used the processors, from the kernel's own books. Its clock ticks are hundredths of a second here. */
import fs from 'node:fs';

const TICK_MS = 10;

/** What these processes have used so far, in user and kernel mode. */
export function cpuMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + ticksOf(pid, [UTIME, STIME]) * TICK_MS, 0);
}

export function residentBytes(pid: number): number {
  const [, kilobytes = '0'] =
    /^VmRSS:\s+(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}

/** Fields of /proc/<pid>/stat after the program's name (proc(5)); those with C are of children that have ended. */
const UTIME = 11;
const STIME = 12;
const CUTIME = 13;
const CSTIME = 14;

function ticksOf(pid: number, fields: readonly number[]): number {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  const all = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.reduce((sum, field) => sum + Number(all[field] ?? 0), 0);
}

/** The part of all cores that others used since it was made, beside this program, its children and `known`. */
export class ForeignLoad {
  readonly #known: readonly number[];
  readonly #before: { readonly busy: number; readonly all: number };
  readonly #ownBefore: number;

  constructor(known: readonly number[]) {
    this.#known = known;
    this.#before = machineTicks();
    this.#ownBefore = this.#own();
  }

  percent(): number {
    const { busy, all } = machineTicks();
    const total = all - this.#before.all;
    const foreign = busy - this.#before.busy - (this.#own() - this.#ownBefore);
    return total === 0 ? 0 : Math.max(0, (100 * foreign) / total);
  }

  #own(): number {
    const known = this.#known.reduce((sum, pid) => sum + ticksOf(pid, [UTIME, STIME]), 0);
    return known + ticksOf(process.pid, [UTIME, STIME, CUTIME, CSTIME]);
  }
}

/** Interrupts are left out: those of the network belong to whoever is measured. What a hypervisor took is not ours. */
function machineTicks(): { busy: number; all: number } {
  const line = fs.readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? '';
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  const busy = user + nice + system + steal;
  return { busy, all: busy + idle + wait + irq + softirq };
}

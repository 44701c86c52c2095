/** What Linux writes under /proc (proc(5)), as values. Pure: text in, values out. */

export interface ProcessStat {
  readonly pid: number;
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Clock ticks from boot to the start; as text, because it is compared and kept, never shown. */
  readonly start: string;
  /** Clock ticks in user and kernel mode, with those of its children that it has waited for. */
  readonly cpuTicks: number;
}

/** Field numbers of proc_pid_stat(5), counted from the state, which is field 3. */
const FIELD = { state: 0, parent: 1, group: 2, session: 3, cpuFrom: 11, cpuTo: 14, start: 19 } as const;

/** The second field is the program's own choice of name and may hold spaces, parentheses and line ends. */
export function parseStat(text: string): ProcessStat | null {
  const nameEnd = text.lastIndexOf(')');
  const pid = Number.parseInt(text, 10);
  if (nameEnd < 0 || !Number.isSafeInteger(pid)) return null;
  const fields = text.slice(nameEnd + 2).split(' ');
  const state = fields[FIELD.state];
  const start = fields[FIELD.start];
  const [parent, group, session] = [FIELD.parent, FIELD.group, FIELD.session].map((at) => Number(fields[at]));
  if (!state || !start || parent === undefined || group === undefined || session === undefined) return null;
  const ticks = fields.slice(FIELD.cpuFrom, FIELD.cpuTo + 1).map(Number);
  const cpuTicks = ticks.reduce((sum, each) => sum + each, 0);
  return { pid, state, parent, group, session, start, cpuTicks };
}

/** A zombie has ended; only its parent has not asked yet how. */
export function isLive(stat: ProcessStat): boolean {
  return stat.state !== 'Z' && stat.state !== 'X' && stat.state !== 'x';
}

const RESIDENT = /^VmRSS:\s+(\d+) kB$/m;

/** Resident memory in /proc/PID/status; 0 for one that has ended. */
export function residentBytes(status: string): number {
  return Number(RESIDENT.exec(status)?.[1] ?? 0) * 1024;
}

/** The value of a variable in /proc/PID/environ; null when it is not there. */
export function variableIn(environ: string, name: string): string | null {
  const entry = environ.split('\0').find((text) => text.startsWith(`${name}=`));
  return entry === undefined ? null : entry.slice(name.length + 1);
}

/** Number, local address and port, remote ones, state LISTEN, queues, timers, retries, user, timeout, inode. */
const LISTENER = /^ *\d+: [\dA-F]+:([\dA-F]{4}) [\dA-F]+:[\dA-F]{4} 0A \S+ \S+ \S+ +\d+ +\d+ (\d+)/gm;

/** Inode to port of the listening sockets in /proc/net/tcp or tcp6. */
export function parseListeners(text: string): Map<string, number> {
  const found = text.matchAll(LISTENER);
  return new Map(Array.from(found, ([, port = '', inode = '']) => [inode, Number.parseInt(port, 16)]));
}

const OTHER_SOCKET = /^ *\d+: \S+ \S+ (?!0A).*\n/m;

/** True when the text goes beyond the listening sockets; a line that is not whole yet says nothing. */
export function hasOtherSockets(text: string): boolean {
  return OTHER_SOCKET.test(text);
}

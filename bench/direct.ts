/**
 * What direct mode costs: an application that shares its public socket beside the same application alone, in turns:
 *   node bench/direct.ts [--quick] [--check]
 * --quick: fewer slices. --check: exit code 1 when the target is missed.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { DirectKeeper } from '../src/gateway/keeper/keeper.ts';
import { somePort } from '../test/contract/some-port.ts';
import { canPin, findProgram, pinned } from './gateway/programs.ts';
import { cpuMs } from './gateway/processor.ts';
import { lookAtMachine } from './support/machine.ts';
import { spreadOf } from './support/spread.ts';

const { values: options } = parseArgs({
  options: { check: { type: 'boolean' }, quick: { type: 'boolean' } },
});

const APP = fileURLToPath(new URL('direct/app.mjs', import.meta.url));
const HELPER = new URL('../src/direct/index.ts', import.meta.url).href;
const PAIRS = options.quick ? 5 : 21;
const SLICE_S = 1;
const CONNECTIONS = 64;
const PATIENCE_MS = 10_000;
/** Of the application alone. */
const RATIO_MIN = 0.97;

interface Subject {
  readonly port: number;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

interface Slice {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const untilMs = performance.now() + PATIENCE_MS; !(await holds()); await sleep(20))
    if (performance.now() > untilMs) throw new Error(`waited in vain: ${what}`);
}

const answers = (port: number) =>
  fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } }).then(
    (answer) => answer.ok,
    () => false,
  );

async function startAlone(): Promise<Subject> {
  const port = await somePort();
  const [file, args] = pinned(0, process.execPath, [APP]);
  const env = { ...process.env, PORT: String(port) };
  const child: ChildProcess = spawn(file, args, { stdio: 'ignore', env });
  await until('the application answers', () => answers(port));
  const stop = async () => {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  };
  return { port, pid: child.pid ?? 0, stop };
}

async function startDirect(folder: string): Promise<Subject> {
  const bound = new net.BoundSocket({ host: '127.0.0.1', port: 0 });
  const address = bound.address();
  const listen = { host: '127.0.0.1', port: typeof address === 'string' ? 0 : address.port };
  const socket = path.join(folder, 'direct.sock');
  let ended = false;
  const keeper = new DirectKeeper({
    ...{ path: socket, pathFrom: () => socket, pid: process.pid, log: console.error },
    ...{ socketOf: () => bound.fd(), onExit: () => (ended = true), onChange: () => undefined },
  });
  await keeper.listen();
  const token = randomBytes(16).toString('hex');
  const port = await somePort();
  const [file, args] = pinned(0, process.execPath, [APP]);
  const { pid } = await keeper.launch({
    ...{ id: 'app', service: 'app', version: 'v1', listen, file, args, dir: folder },
    tokenHash: createHash('sha256').update(token).digest('hex'),
    env: {
      ...{ PATH: process.env['PATH'] ?? '', PORT: String(port), DIRECT_HELPER: HELPER },
      ...{ SEGUE_INSTANCE: 'app', SEGUE_INSTANCE_SECRET: token },
    },
    logFile: path.join(folder, 'app.log'),
  });
  await until('the instance is ready', () => answers(port));
  await keeper.apply([{ backends: [{ id: 'app', version: 'v1', host: '127.0.0.1', port }] }]);
  const stop = async () => {
    process.kill(pid, 'SIGTERM');
    await until('the instance has ended', () => ended);
    keeper.close();
    bound.close();
  };
  return { port: listen.port, pid, stop };
}

async function measure(wrk: string, { port, pid }: Subject): Promise<Slice> {
  const args = ['-t', '1', '-c', String(CONNECTIONS), '-d', `${SLICE_S}s`, `http://127.0.0.1:${port}/`];
  const before = cpuMs([pid]);
  const { stdout } = await promisify(execFile)(...pinned(1, wrk, args));
  const usedMs = cpuMs([pid]) - before;
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const perSecond = Number(/Requests\/sec:\s*([\d.]+)/.exec(stdout)?.[1]);
  if (!(requests > 0) || stdout.includes('Socket errors') || stdout.includes('Non-2xx'))
    throw new Error(`failures under load:\n${stdout}`);
  return { perSecond, perCpuSecond: (requests * 1_000) / usedMs };
}

/** Each pair is measured within two seconds, in changing order, and gives one ratio. */
async function compare(wrk: string, alone: Subject, direct: Subject): Promise<Map<keyof Slice, number[]>> {
  const ratios = new Map<keyof Slice, number[]>([
    ['perSecond', []],
    ['perCpuSecond', []],
  ]);
  for (const subject of [alone, direct]) await measure(wrk, subject);
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const order = pair % 2 === 0 ? [alone, direct] : [direct, alone];
    const slices = new Map<Subject, Slice>();
    for (const subject of order) slices.set(subject, await measure(wrk, subject));
    const [a, d] = [slices.get(alone), slices.get(direct)];
    if (a && d) for (const [figure, all] of ratios) all.push(d[figure] / a[figure]);
  }
  return ratios;
}

async function run(wrk: string, folder: string): Promise<boolean> {
  const machine = await lookAtMachine();
  const busy = machine.busyPercent.toFixed(0);
  console.log(`${machine.cores} x ${machine.processor}, Node ${machine.node}, others used ${busy}%`);
  console.log(canPin ? 'Application on one core, load on another.' : 'Nothing is pinned to a core.');
  console.log(`${PAIRS} pairs of slices of ${SLICE_S} s, ${CONNECTIONS} connections kept, 13 bytes.\n`);
  const subjects: Subject[] = [];
  try {
    const alone = await startAlone();
    subjects.push(alone);
    const direct = await startDirect(folder);
    subjects.push(direct);
    const ratios = await compare(wrk, alone, direct);
    let kept = true;
    for (const [figure, all] of ratios) {
      const { median, min, max } = spreadOf(all);
      const isKept = median >= RATIO_MIN;
      kept &&= isKept;
      const what = figure === 'perSecond' ? 'requests per second' : 'requests per CPU-second';
      const range = `${min.toFixed(3)} to ${max.toFixed(3)}`;
      console.log(
        `${isKept ? 'kept     ' : 'MISSED   '}  ${what}: ${median.toFixed(3)} x the application alone (${range}), target at least ${RATIO_MIN} x`,
      );
    }
    return kept;
  } finally {
    await Promise.all(subjects.map((subject) => subject.stop()));
  }
}

const wrk = findProgram('wrk');
const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'segue-bench-'));
try {
  if (!wrk) console.log('wrk, which makes the load, is not installed: nothing was measured.');
  const kept = wrk !== undefined && (await run(wrk, folder));
  process.exitCode = kept || !options.check ? 0 : 1;
} finally {
  await fs.rm(folder, { recursive: true, force: true });
}

/**
 * The gateway beside HAProxy, nginx and Caddy, on the same upstream, in turns:
 *   node bench/gateway.ts [--quick] [--check]
 * --quick: fewer and shorter slices. --check: exit code 1 when a target is missed, or a rival that it needs is.
 */
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { canPin, findProgram } from './gateway/programs.ts';
import { type RivalName, startRivals } from './gateway/rivals.ts';
import { type Load, measure, type Slice, writeScript } from './gateway/slice.ts';
import { LARGE_PATH, SMALL_PATH, startUpstream } from './gateway/upstream.ts';
import { lookAtMachine } from './support/machine.ts';
import { spreadOf } from './support/spread.ts';

const { values: options } = parseArgs({
  options: { check: { type: 'boolean' }, quick: { type: 'boolean' } },
});
const rounds = options.quick ? 3 : 9;
const seconds = options.quick ? 1 : 2;

interface Scenario {
  readonly title: string;
  readonly load: Load;
  readonly targets: readonly Target[];
}

interface Target {
  readonly rival: RivalName;
  readonly figure: keyof Slice;
  readonly what: string;
  readonly atLeast: number;
}

const SCENARIOS: readonly Scenario[] = [
  {
    title: '13 bytes, connections kept',
    load: { path: SMALL_PATH, keepAlive: true },
    targets: [
      { rival: 'haproxy', figure: 'perCpuSecond', what: 'requests per CPU-second', atLeast: 1 },
      { rival: 'caddy', figure: 'perSecond', what: 'requests per second', atLeast: 5 },
    ],
  },
  {
    title: '13 bytes, one connection per request',
    load: { path: SMALL_PATH, keepAlive: false },
    targets: [],
  },
  {
    title: '64 KB, connections kept',
    load: { path: LARGE_PATH, keepAlive: true },
    targets: [{ rival: 'haproxy', figure: 'perSecond', what: 'requests per second', atLeast: 1.2 }],
  },
];

type Medians = Readonly<Record<keyof Slice, number>>;

function mediansOf(slices: readonly Slice[]): Medians {
  const median = (figure: keyof Slice) => spreadOf(slices.map((slice) => slice[figure])).median;
  return {
    perSecond: median('perSecond'),
    perCpuSecond: median('perCpuSecond'),
    p50Ms: median('p50Ms'),
    p99Ms: median('p99Ms'),
  };
}

function printTable(medians: ReadonlyMap<RivalName, Medians>): void {
  console.log('            req/s   CPU us/req    p50 ms    p99 ms');
  for (const [name, { perSecond, perCpuSecond, p50Ms, p99Ms }] of medians) {
    const cells = [perSecond.toFixed(0), (1e6 / perCpuSecond).toFixed(1), p50Ms.toFixed(2), p99Ms.toFixed(2)];
    console.log(
      `${name.padEnd(8)} ${cells.map((cell, i) => cell.padStart(i === 0 ? 8 : i === 1 ? 12 : 9)).join(' ')}`,
    );
  }
}

/** True when it is kept. */
function checkTarget(
  { rival, figure, what, atLeast }: Target,
  medians: ReadonlyMap<RivalName, Medians>,
): boolean {
  const ours = medians.get('segue')?.[figure];
  const theirs = medians.get(rival)?.[figure];
  if (ours === undefined || theirs === undefined) {
    console.log(`not known  ${what}: ${rival} is not installed`);
    return false;
  }
  const ratio = ours / theirs;
  const kept = ratio >= atLeast;
  console.log(
    `${kept ? 'kept     ' : 'MISSED   '}  ${what}: ${ratio.toFixed(2)} x ${rival}, target at least ${atLeast} x`,
  );
  return kept;
}

async function run(wrk: string, folder: string): Promise<boolean> {
  const machine = await lookAtMachine();
  console.log(
    `${machine.cores} x ${machine.processor}, Node ${machine.node}, others used ${machine.busyPercent.toFixed(0)}%`,
  );
  console.log(
    canPin ? 'Gateways on one core, load and upstream on another.' : 'Nothing is pinned to a core.',
  );
  const upstream = await startUpstream(folder);
  const { running, missing } = await startRivals(folder, upstream.port);
  for (const name of missing) console.log(`Not installed, so not compared: ${name}`);
  console.log(`Upstream: ${upstream.name}. ${rounds} slices of ${seconds} s each, in turns; medians.`);
  const script = await writeScript(folder);
  let allKept = true;
  try {
    for (const { title, load, targets } of SCENARIOS) {
      const slices = new Map<RivalName, Slice[]>(running.map(({ name }) => [name, []]));
      for (const rival of running) await measure(wrk, script, rival, load, 1);
      for (let round = 0; round < rounds; round += 1) {
        for (const rival of running)
          slices.get(rival.name)?.push(await measure(wrk, script, rival, load, seconds));
      }
      console.log(`\n${title}`);
      const medians = new Map([...slices].map(([name, all]) => [name, mediansOf(all)]));
      printTable(medians);
      for (const target of targets) allKept = checkTarget(target, medians) && allKept;
    }
  } finally {
    await Promise.all([...running, upstream].map((each) => each.stop()));
  }
  console.log('\nNot measured: TLS, HTTP/2, WebSocket, fixed rates, memory per connection.');
  return allKept;
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

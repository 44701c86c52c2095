/**
 * The gateway beside HAProxy, nginx and Caddy, on the same upstream, in turns:
 *   node bench/gateway.ts [--quick] [--check] [--net] [--only <words of a title>]
 * --quick: fewer and shorter slices. --check: exit code 1 when a target is missed, or a rival that it needs is.
 * --net: this gateway on documented sockets only, too.
 */
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { makeCertificate } from './gateway/certificate.ts';
import { type Memory, measureMemory } from './gateway/memory.ts';
import { canPin, findProgram } from './gateway/programs.ts';
import { speaks } from './gateway/reach.ts';
import type { Rival, RivalName } from './gateway/rival.ts';
import { startRivals } from './gateway/rivals.ts';
import { FIRST, OTHERS, type Scenario } from './gateway/scenarios.ts';
import { type Load, type Loaders, measure, type Slice } from './gateway/slice.ts';
import {
  checkMemory,
  checkTarget,
  medianOf,
  printMemory,
  printRounds,
  type Rounds,
} from './gateway/tables.ts';
import { startUpstream } from './gateway/upstream.ts';
import { lookAtMachine } from './support/machine.ts';

const { values: options } = parseArgs({
  options: {
    check: { type: 'boolean' },
    quick: { type: 'boolean' },
    net: { type: 'boolean' },
    only: { type: 'string' },
  },
});
const rounds = options.quick ? 3 : 9;
const seconds = options.quick ? 1 : 2;

/** A slice in which others used more than this is measured again. */
const FOREIGN_PERCENT_MAX = 5;
const TRIES = 3;

const counted = { slices: 0, disturbed: 0 };

async function measureUndisturbed(loaders: Loaders, rival: Rival, load: Load): Promise<Slice> {
  let best = await measure(loaders, rival, load, seconds);
  for (let tries = 1; best.foreignPercent > FOREIGN_PERCENT_MAX && tries < TRIES; tries += 1) {
    const again = await measure(loaders, rival, load, seconds);
    if (again.foreignPercent < best.foreignPercent) best = again;
  }
  counted.slices += 1;
  if (best.foreignPercent > FOREIGN_PERCENT_MAX) counted.disturbed += 1;
  return best;
}

async function whoTakesPart(all: readonly Rival[], { protocol }: Load): Promise<Rival[]> {
  const heard = await Promise.all(
    all.map((rival) => speaks(rival, protocol === 'messages' ? 'http' : protocol)),
  );
  const silent = all.filter((_, i) => !heard[i]).map(({ name }) => name);
  if (silent.length > 0) console.log(`Without an answer, so not compared: ${silent.join('; ')}`);
  return all.filter((_, i) => heard[i]);
}

/** Every round has a slice of each. */
async function measureRounds(loaders: Loaders, rivals: readonly Rival[], load: Load): Promise<Rounds> {
  const slices = new Map<RivalName, Slice[]>(rivals.map(({ name }) => [name, []]));
  for (const rival of rivals) await measure(loaders, rival, load, 1);
  for (let round = 0; round < rounds; round += 1) {
    for (const rival of rivals) slices.get(rival.name)?.push(await measureUndisturbed(loaders, rival, load));
  }
  return slices;
}

/** What both this gateway and HAProxy can do. */
function mostOf(first: Rounds): number {
  const rates = (['segue', 'haproxy'] as const).map((name) => first.get(name) ?? []);
  return Math.min(...rates.filter((each) => each.length > 0).map((each) => medianOf(each, 'perSecond')));
}

async function runAll(loaders: Loaders, rivals: readonly Rival[]): Promise<boolean> {
  const isWanted = ({ title }: Scenario) => title.includes(options.only ?? '');
  let allKept = true;
  let most = 0;
  for (const scenario of [FIRST, ...OTHERS]) {
    if (scenario !== FIRST && !isWanted(scenario)) continue;
    const { title, targets, partOfMost } = scenario;
    const perSecond = partOfMost === undefined ? scenario.load.perSecond : partOfMost * most;
    const load = { ...scenario.load, perSecond };
    console.log(`\n${title}`);
    if (loaders.h2load === undefined && (perSecond !== null || load.protocol === 'h2')) {
      console.log('Not measured: h2load is not installed.');
      allKept &&= targets.length === 0;
      continue;
    }
    const measured = await measureRounds(loaders, await whoTakesPart(rivals, load), load);
    if (scenario === FIRST) most = mostOf(measured);
    printRounds(measured);
    for (const target of targets) allKept = checkTarget(target, measured) && allKept;
  }
  return allKept;
}

async function runMemory(loaders: Loaders, rivals: readonly Rival[]): Promise<boolean> {
  const all = new Map<RivalName, Memory>();
  for (const rival of rivals) all.set(rival.name, await measureMemory(loaders, rival));
  printMemory(all);
  const ours = all.get('segue');
  return ours !== undefined && checkMemory(ours);
}

async function run(wrk: string, folder: string): Promise<boolean> {
  const machine = await lookAtMachine();
  console.log(
    `${machine.cores} x ${machine.processor}, Node ${machine.node}, others used ${machine.busyPercent.toFixed(0)}%`,
  );
  console.log(
    canPin ? 'Gateways on one core, load and upstream on another.' : 'Nothing is pinned to a core.',
  );
  const certificate = await makeCertificate(folder);
  if (!certificate) console.log('openssl is not installed: nothing is measured with TLS.');
  const upstream = await startUpstream(folder);
  const running: Rival[] = [];
  try {
    const { port: upstreamPort, echoPort } = upstream;
    const ours = options.net
      ? (['segue', 'segue, net', 'segue, seen'] as const)
      : (['segue', 'segue, seen'] as const);
    const missing = await startRivals({ folder, upstreamPort, echoPort, certificate }, running, ours);
    for (const name of missing) console.log(`Not installed, so not compared: ${name}`);
    if (options.net) console.log('"segue, net" is on documented sockets only (docs/adr/0005).');
    console.log('"segue, seen" writes an access log of every request and has metrics on.');
    console.log(`Upstream: ${upstream.name}. ${rounds} slices of ${seconds} s each, in turns; medians.`);
    const loaders = { folder, wrk, h2load: findProgram('h2load'), upstreamPids: upstream.pids() };
    // Before anything else: what a program once had, it does not give back.
    const fits = await runMemory(loaders, running);
    return (await runAll(loaders, running)) && fits;
  } finally {
    await Promise.all([...running, upstream].map((each) => each.stop()));
    const { slices, disturbed } = counted;
    console.log(`\n${disturbed} of ${slices} slices had more than ${FOREIGN_PERCENT_MAX}% of foreign load.`);
    console.log('Not measured: networks, other machines, the memory of the kernel, several workers at once.');
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

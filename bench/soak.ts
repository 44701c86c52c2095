/**
 * `npm run soak`: releases, rollbacks, routing changes, kills and upgrades of the gateway follow each other under mixed load, and every
 * request is accounted for by its client. Options: --for 10m, --rate N (plain requests a second), --seed N,
 * --json, --check (three minutes, exit code 1 on any fault).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Cli } from '../examples/demo/cli.ts';
import { isListening, processesOf } from '../examples/demo/leftovers.ts';
import { parseDurationMs } from '../src/core/units.ts';
import type { Load } from '../test/load/summary.ts';
import { Chance } from '../test/support/chance.ts';
import { ACTS, type Stage } from './soak/acts.ts';
import { startCrowd } from './soak/crowd.ts';
import { play, type Ending } from './soak/performance.ts';
import { SoakProject } from './soak/project.ts';
import { printReceipt } from './soak/receipt.ts';
import { faultsOf, type Run } from './soak/verdict.ts';
import { Watch } from './soak/watch.ts';

const INTERRUPTED = 130;
const GONE_WITHIN_MS = 5_000;
/** At most so long, and the second half of a short run. */
const CALM_MS_MAX = 4 * 60_000;
/** On a machine with much memory Node lets garbage lie for minutes, which looks like growth and hides it. */
const SMALL_HEAP = '--max-old-space-size=64 --max-semi-space-size=2';

interface Options {
  readonly forMs: number;
  readonly rate: number;
  readonly seed: number;
  readonly json: boolean;
  readonly check: boolean;
}

function optionsOf(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      for: { type: 'string' },
      rate: { type: 'string', default: '1900' },
      seed: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
    },
  });
  const forMs = parseDurationMs(values.for ?? (values.check ? '3m' : '10m'));
  if (forMs === undefined) throw new Error('--for takes a time such as 10m');
  return { ...values, forMs, rate: Number(values.rate), seed: Number(values.seed) };
}

/** The first version of each service, and one more to go back to, before anybody is there. */
async function open({ project, cli }: Stage): Promise<void> {
  await cli.up();
  for (const service of ['quiet', 'web', 'web']) {
    const version = await project.build();
    const ended = await cli.run('deploy', service, '--version', version, '--dir', `versions/${version}`);
    if (ended.exitCode !== 0) throw new Error(`the first release of ${service}: ${ended.text}`);
  }
}

async function soak(stage: Stage, { forMs, rate, json }: Options, interrupted: AbortSignal): Promise<Run> {
  const { project, cli } = stage;
  await open(stage);
  const watch = new Watch(project.dir);
  let load: Load | null = null;
  let ending: Ending;
  try {
    load = await startCrowd(project.port, rate);
    const crowd = load;
    await crowd.mark('soak');
    const onAct = (name: string, round: number) => {
      const { answered, failed } = crowd.stats();
      if (!json) console.log(`round ${round}: ${name.padEnd(32)} ${answered} answered, ${failed} failed`);
    };
    const calmMs = Math.min(CALM_MS_MAX, forMs / 2);
    ending = await play(stage, { acts: ACTS, forMs, calmMs, interrupted, onAct });
  } finally {
    await watch.stop();
    await load?.stop();
  }
  const growths = watch.growths();
  const summary = await load.stop();
  const left = [...(await down(cli)), ...(await leftAfter(project))];
  return { ending, kills: stage.kills, summary, growths, left };
}

function asJson(seed: number, { kills, ...run }: Run, faults: readonly string[]): string {
  const lost = kills.map(({ atMs, ports }) => ({ atMs, ports: [...ports] }));
  return JSON.stringify({ seed, faults, kills: lost, ...run });
}

/** Why not, if it did not. */
async function down(cli: Cli): Promise<readonly string[]> {
  try {
    await cli.down();
    return [];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** What does not go within a moment. */
async function leftAfter({ dir, port }: SoakProject): Promise<readonly string[]> {
  for (const untilMs = performance.now() + GONE_WITHIN_MS; ; await sleep(50)) {
    const left = (await processesOf(dir)).map(({ pid, command }) => `process ${pid} (${command})`);
    if (await isListening(port)) left.push(`a listener on ${port}`);
    if (left.length === 0 || performance.now() > untilMs) return left;
  }
}

async function main(): Promise<number> {
  const options = optionsOf(process.argv.slice(2));
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupt.abort());
  const project = await SoakProject.create();
  const cli = new Cli(project.dir, undefined, { NODE_OPTIONS: SMALL_HEAP });
  const chance = new Chance(options.seed);
  let faults: readonly string[] = ['it did not come to its end'];
  try {
    const run = await soak({ project, cli, chance, kills: [] }, options, interrupt.signal);
    faults = faultsOf(run);
    if (options.json) console.log(asJson(options.seed, run, faults));
    else printReceipt(run, faults);
  } finally {
    for (const { pid } of await processesOf(project.dir)) process.kill(pid, 'SIGKILL');
    if (faults.length === 0) await project.remove();
    else if (!options.json) console.log(`\nSeed ${options.seed}. Kept for a look: ${project.dir}`);
  }
  if (interrupt.signal.aborted) return INTERRUPTED;
  return faults.length > 0 && options.check ? 1 : 0;
}

process.exitCode = await main();

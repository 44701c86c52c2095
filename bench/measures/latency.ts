/** What a release does to the latency of those who are served meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Load, Summary } from '../../test/load/summary.ts';
import { INSTANCES, type BenchProject } from '../support/bench-project.ts';
import { Copies } from '../support/copies.ts';
import { figure, type Section } from '../support/figure.ts';
import { assertClean, burst, offerAtRate } from '../support/offered-load.ts';

const TARGET = 1.2;
const CONNECTIONS = 32;
const QUIET_MS = 1_200;
const SETTLE_MS = 300;
const SATURATION_MS = 2_000;
/** The gateway and the instances get warm in it, and it is left out. */
const WARM_UP_MS = 2_000;

type Window = 'quiet' | 'release' | 'quiet again' | 'by hand';

export async function measureLatency(project: BenchProject, rounds: number): Promise<Section> {
  await project.use({ strategy: 'rolling' });
  const versions: string[] = [];
  while (versions.length < rounds) versions.push(await project.build());
  const { port } = project;
  const saturation = await burst({
    port,
    kind: 'keep-alive',
    connections: CONNECTIONS,
    forMs: SATURATION_MS,
  });
  const load = await offerAtRate(port, saturation / 2, CONNECTIONS);
  await sleep(WARM_UP_MS);
  for (const version of versions) {
    await within(load, 'quiet', () => sleep(QUIET_MS));
    await within(load, 'release', () => project.deploy(version));
    await within(load, 'quiet again', () => sleep(QUIET_MS));
    await within(load, 'by hand', () => exchangeByHand(project.dirOf(version)));
  }
  const summary = await load.stop();
  assertClean(summary);
  const quiet = p99Of(summary, 'quiet');
  const release = p99Of(summary, 'release');
  const byHand = p99Of(summary, 'by hand');
  return {
    title: `p99 during a release against p99 before it, at half load`,
    how: `Rolling, ${INSTANCES} instances one after the other, under ${Math.round(saturation / 2)} requests per second: half of what gateway, instances and load generator manage together here. Latencies count from when a request was due. By hand: the same processes are started and stopped one after the other beside the service, without a release, so that only their own start is felt.`,
    figures: [
      figure('before', 'ms', quiet),
      figure('during a release', 'ms', release),
      figure('during a release against before', 'times', ratios(release, quiet), { atMost: TARGET }),
      figure('during starts by hand against before', 'times', ratios(byHand, p99Of(summary, 'quiet again'))),
      figure('during a release against starts by hand', 'times', ratios(release, byHand)),
    ],
  };
}

async function within(load: Load, window: Window, work: () => Promise<unknown>): Promise<void> {
  await load.mark(window);
  await work();
  await load.mark('settling');
  await sleep(SETTLE_MS);
}

/** In the rhythm of the rolling release: one starts, and when it answers another one ends. */
async function exchangeByHand(dir: string): Promise<void> {
  let last: Copies | null = null;
  for (let number = 0; number < INSTANCES; number += 1) {
    const next = await Copies.start(dir, 1);
    await last?.stop();
    last = next;
  }
  await last?.stop();
}

function p99Of({ windows }: Summary, name: Window): readonly number[] {
  return windows
    .filter((window) => window.name === name)
    .map(({ latency }) => {
      if (!latency) throw new Error(`nothing was answered in a window "${name}"`);
      return latency.p99Ms;
    });
}

function ratios(above: readonly number[], below: readonly number[]): readonly number[] {
  return above.map((value, round) => value / (below[round] ?? Number.NaN));
}

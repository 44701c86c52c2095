/** What a release costs beyond the application's own start, and where that goes. */
import { BALLAST_IN_WORDS, INSTANCES, type BenchProject } from '../support/bench-project.ts';
import { Copies } from '../support/copies.ts';
import { figure, type FigureOptions, type Section } from '../support/figure.ts';
import { timelineOf, type Phase, type Timeline } from '../support/timeline.ts';

const TARGET_MS = 250;

interface Part {
  readonly name: string;
  readonly phases: readonly Phase[];
  /** It holds the application's own start, which is taken off. */
  readonly withStart?: boolean;
}

const PARTS: readonly Part[] = [
  { name: 'files compared, copied, synced; plan', phases: ['files'] },
  { name: 'started and ready, less that start', phases: ['start', 'ready'], withStart: true },
  { name: 'all traffic moved', phases: ['route'] },
  { name: 'old version drained', phases: ['drain'] },
  { name: 'old version stopped', phases: ['stop'] },
  { name: 'promoted, receipt written', phases: ['promote', 'end'] },
];

interface Round extends Timeline {
  readonly ownStartMs: number;
  readonly ownStopMs: number;
  /** Stop the old ones, start the new ones: how long nobody answers. */
  readonly naiveOutageMs: number;
}

export async function measureReleaseCost(project: BenchProject, rounds: number): Promise<Section> {
  await project.use({ strategy: `{ type: rolling, surge: ${INSTANCES} }` });
  const by: Round[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const version = await project.build();
    const byHand = await measureByHand(project.dirOf(version));
    by.push({ ...byHand, ...timelineOf(await project.deploy(version)) });
  }
  const line = (name: string, of: (round: Round) => number, options: FigureOptions = {}) =>
    figure(name, 'ms', by.map(of), options);
  return {
    title: `A release of ${INSTANCES} instances that start in 200 ms each, surge ${INSTANCES}, no smoke test, no bake`,
    how: `From the request to the entry that ends the release, less what ${INSTANCES} copies started by hand at once needed right before, in the same round. A version is ${BALLAST_IN_WORDS}.`,
    figures: [
      line('the whole release', (r) => r.totalMs),
      line(`the app's own start, by hand`, (r) => r.ownStartMs),
      line('the release beyond it', (r) => r.totalMs - r.ownStartMs, { atMost: TARGET_MS }),
      ...PARTS.map((part) => line(part.name, (r) => partMs(r, part), { isPart: true })),
      line('new version serves all, beyond the start', (r) => r.servesAfterMs - r.ownStartMs),
      line(`the app's own stop, by hand`, (r) => r.ownStopMs),
      line('stop old, start new by hand: nobody serves', (r) => r.naiveOutageMs),
    ],
  };
}

function partMs({ phasesMs, ownStartMs }: Round, { phases, withStart = false }: Part): number {
  const lastedMs = phases.reduce((sum, phase) => sum + (phasesMs.get(phase) ?? 0), 0);
  return lastedMs - (withStart ? ownStartMs : 0);
}

async function measureByHand(
  dir: string,
): Promise<Pick<Round, 'ownStartMs' | 'ownStopMs' | 'naiveOutageMs'>> {
  const old = await Copies.start(dir, INSTANCES);
  const stoppedMs = performance.now();
  await old.stop();
  const ownStopMs = performance.now() - stoppedMs;
  const fresh = await Copies.start(dir, INSTANCES);
  await fresh.stop();
  return { ownStartMs: old.allAnswerMs, ownStopMs, naiveOutageMs: ownStopMs + fresh.firstAnswerMs };
}

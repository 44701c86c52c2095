/** From the decision to go back to the last request that the bad version accepted, while stable is warm. */
import { causeOf } from '../../src/core/release/records.ts';
import type { Summary } from '../../test/load/summary.ts';
import type { BenchProject, Release } from '../support/bench-project.ts';
import { figure, type Section } from '../support/figure.ts';
import { assertClean, offerAtRate } from '../support/offered-load.ts';

const TARGET_MS = 50;
const CONNECTIONS = 8;
const PER_SECOND = 1_000;

interface WayBack {
  /** As the gateway counted it: what the receipt says. */
  readonly gatewayMs: number;
  readonly version: string;
  readonly decidedAtMs: number;
}

export async function measureWayBack(project: BenchProject, rounds: number): Promise<Section> {
  await project.use({ strategy: '{ type: blue-green, bake: 10m }', smoke: true });
  const load = await offerAtRate(project.port, PER_SECOND, CONNECTIONS);
  const byPerson: WayBack[] = [];
  const bySegue: WayBack[] = [];
  for (let round = 0; round < rounds; round += 1) {
    byPerson.push(await abortInBake(project));
    bySegue.push(await failSmokeTest(project));
  }
  const summary = await load.stop();
  assertClean(summary);
  const sentMs = (way: WayBack) => lastSentAfterMs(way, summary);
  const gatewayMs = (way: WayBack) => way.gatewayMs;
  return {
    title: 'From the decision to go back to the last request on the bad version, stable warm',
    how: `Blue-green under ${PER_SECOND} requests per second. The decision is the journal's entry: a person's abort during the bake, or the smoke test that fails once the version serves. No request failed.`,
    figures: [
      figure('abort: last one accepted by the bad version', 'ms', byPerson.map(gatewayMs), {
        atMost: TARGET_MS,
      }),
      figure('as the clients saw it, by when they sent it', 'ms', byPerson.map(sentMs), { isPart: true }),
      figure('smoke test: last one accepted', 'ms', bySegue.map(gatewayMs), { atMost: TARGET_MS }),
      figure('as the clients saw it, by when they sent it', 'ms', bySegue.map(sentMs), { isPart: true }),
    ],
  };
}

function lastSentAfterMs({ version, decidedAtMs }: WayBack, { versions }: Summary): number {
  const seen = versions[version];
  if (!seen) throw new Error(`no client met ${version}`);
  return Math.max(0, seen.lastSentAtMs - decidedAtMs);
}

async function abortInBake(project: BenchProject): Promise<WayBack> {
  const begun = await project.begin(await project.build());
  await project.untilBake(begun.id);
  await project.abort();
  return wayBackOf(await project.ended(begun), 'RELEASE_ABORTED');
}

async function failSmokeTest(project: BenchProject): Promise<WayBack> {
  const begun = await project.begin(await project.build({ sour: true }));
  return wayBackOf(await project.ended(begun), 'SMOKE_FAILED');
}

function wayBackOf({ release, entries }: Release, code: string): WayBack {
  const cause = causeOf(release);
  if (cause?.code !== code) throw new Error(`${release.to} went back for another reason: ${cause?.detail}`);
  const decided = entries.find(({ fact }) => fact.kind === 'abort-asked' || fact.kind === 'step-failed');
  const gatewayMs = release.receipt?.lastOldRequestAfterMs ?? null;
  if (!decided || gatewayMs === null) throw new Error(`${release.to} had no request`);
  return { gatewayMs, version: release.to, decidedAtMs: decided.atMs };
}

/** One bad release under load, from its beginning until nobody meets it any more, as the users saw it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReleaseRecord } from '../../src/core/release/records.ts';
import type { Summary } from '../../test/load/summary.ts';
import { crowdOf, userOf } from './crowd.ts';
import type { Fault } from './faults.ts';
import type { ShopProject } from './project.ts';

export interface Episode {
  /** From the first bad request to the last one; of slow versions, of all their requests. */
  readonly lastedS: number;
  /** Requests that failed, or were answered by the slow version. */
  readonly requests: number;
  /** Of the users; 0 where nothing failed. */
  readonly users: number;
  /** Error code of what ended it; null: nothing did, as long as it was watched. */
  readonly endedBy: string | null;
}

/** Users are there before the release begins, and after it has ended. */
const BEFORE_MS = 2_000;
const AFTER_MS = 1_000;

/** `watchedMs`: what nobody takes back is looked at for so long after the first user could meet it. */
export async function play(project: ShopProject, fault: Fault, watchedMs: number): Promise<Episode> {
  const load = await crowdOf(project.port);
  try {
    await sleep(BEFORE_MS);
    const version = await project.build(fault.version);
    const release = await project.ended(await project.begin(version));
    const isBack = release.state.phase === 'ended' && release.state.outcome === 'rolled-back';
    const metAtMs = load.stats().versions[version]?.firstSeenAtMs ?? Date.now();
    if (!isBack) await sleep(Math.max(0, metAtMs + watchedMs - Date.now()));
    else await sleep(AFTER_MS);
    const summary = await load.stop();
    if (!isBack) await project.rollback();
    return episodeOf(summary, { fault, version, release });
  } catch (error) {
    await load.stop().catch(() => undefined);
    throw error;
  }
}

function episodeOf(
  { failures, failed, versions }: Summary,
  { fault, version, release }: { fault: Fault; version: string; release: ReleaseRecord },
): Episode {
  const { state } = release;
  const endedBy =
    state.phase === 'ended' && state.outcome === 'rolled-back' ? (state.cause?.code ?? null) : null;
  if (fault.met === 'requests') {
    const seen = versions[version];
    const lastedS = seen ? (seen.lastSentAtMs - seen.firstSeenAtMs) / 1_000 : 0;
    return { lastedS, requests: seen?.requests ?? 0, users: 0, endedBy };
  }
  const times = failures.map(({ atMs, afterMs }) => atMs - afterMs);
  const lastedS = times.length === 0 ? 0 : (Math.max(...times) - Math.min(...times)) / 1_000;
  return { lastedS, requests: failed, users: new Set(failures.map(userOf)).size, endedBy };
}

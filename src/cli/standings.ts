/** How the judge sees releases that somebody watches: asked again and again, beside the journal's entries. */
import { describeStandingWhole, type Standing } from '../core/judge/standing.ts';
import { limits } from '../core/limits.ts';
import type { ReleaseRecord } from '../core/release/records.ts';
import type { ControlClient } from './client.ts';
import type { Shell } from './shell.ts';

/** `step`: the one that it is at, counted from 1. */
export type Told = (release: string, standing: Standing | null, step: number) => void;

export interface Asked {
  readonly client: ControlClient;
  readonly releases: readonly ReleaseRecord[];
  readonly told: Told;
}

/** Until the signal. What fails is asked again, and told by whoever follows the entries, if it has to be told. */
export async function followStandings(
  { client, releases, told }: Asked,
  { time }: Shell,
  finished: AbortSignal,
): Promise<void> {
  const asking = client.until(finished);
  while (!finished.aborted) {
    const running = await asking.status().then(
      ({ services, rollouts = [] }) => [...services, ...rollouts],
      () => [],
    );
    for (const { id } of finished.aborted ? [] : releases) {
      const found = running.find(({ release }) => release?.id === id);
      told(id, found?.standing ?? null, found?.release?.stepNumber ?? 1);
    }
    await time.pause(limits.cli.watchIntervalMs, finished);
  }
}

/** For logs: a line when something else holds a release, and now and then while the same does. */
export class StandingLines {
  readonly #last = new Map<string, { readonly kind: string; readonly text: string; readonly atMs: number }>();

  /** Null: nothing new. What is decided is in the journal, whose entries are shown anyway. */
  next(release: string, standing: Standing | null, nowMs: number): string | null {
    if (standing === null || standing.verdict !== 'not-enough-evidence') return null;
    const last = this.#last.get(release);
    const kind = standing.holds.join();
    const text = describeStandingWhole(standing);
    const isDue = last === undefined || nowMs - last.atMs >= limits.cli.standingIntervalMs;
    if (last?.text === text || (last?.kind === kind && !isDue)) return null;
    this.#last.set(release, { kind, text, atMs: nowMs });
    return `judge: ${text}`;
  }
}

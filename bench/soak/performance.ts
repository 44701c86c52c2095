/** Plays rounds of acts until the time is up. */
import type { Act, Stage } from './acts.ts';

export interface Played {
  readonly name: string;
  readonly releases: number;
  readonly tookMs: number;
}

export interface Ending {
  readonly played: readonly Played[];
  readonly rounds: number;
  /** What went wrong with an act; the rest of the run was left out. */
  readonly trouble: string | null;
  /** Since when no process of Segue's own was ended on purpose. */
  readonly calmSinceMs: number;
}

export interface Programme {
  readonly acts: readonly Act[];
  readonly forMs: number;
  /** The share at the end without acts that end processes, so that some grow old enough to be judged. */
  readonly calmShare: number;
  readonly interrupted: AbortSignal;
  readonly onAct: (name: string, round: number) => void;
}

export async function play(stage: Stage, programme: Programme): Promise<Ending> {
  const { acts, forMs, calmShare, interrupted, onAct } = programme;
  const beganMs = performance.now();
  const calmFromMs = beganMs + forMs * (1 - calmShare);
  const played: Played[] = [];
  let calmSinceMs = beganMs;
  let rounds = 0;
  for (; performance.now() < beganMs + forMs && !interrupted.aborted; rounds += 1) {
    for (const act of shuffled(acts, stage)) {
      const startedMs = performance.now();
      if (startedMs >= beganMs + forMs || interrupted.aborted) break;
      if (act.ends && startedMs >= calmFromMs) continue;
      onAct(act.name, rounds + 1);
      try {
        await act.run(stage);
      } catch (error) {
        const trouble = `${act.name}: ${error instanceof Error ? error.message : String(error)}`;
        return { played, rounds, trouble, calmSinceMs };
      }
      const endedMs = performance.now();
      if (act.ends) calmSinceMs = endedMs;
      played.push({ name: act.name, releases: act.releases, tookMs: endedMs - startedMs });
    }
  }
  return { played, rounds, trouble: null, calmSinceMs };
}

function shuffled(acts: readonly Act[], { chance }: Stage): readonly Act[] {
  const left = [...acts];
  return acts.flatMap(() => left.splice(chance.below(left.length), 1));
}

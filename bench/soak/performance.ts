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
}

export interface Programme {
  readonly acts: readonly Act[];
  readonly forMs: number;
  /** This long before the end nothing ends a process any more, so that some grow old enough to be judged. */
  readonly calmMs: number;
  readonly interrupted: AbortSignal;
  readonly onAct: (name: string, round: number) => void;
}

export async function play(stage: Stage, programme: Programme): Promise<Ending> {
  const { acts, forMs, calmMs, interrupted, onAct } = programme;
  const beganMs = performance.now();
  const calmFromMs = beganMs + forMs - calmMs;
  const played: Played[] = [];
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
        return { played, rounds, trouble };
      }
      played.push({ name: act.name, releases: act.releases, tookMs: performance.now() - startedMs });
    }
  }
  return { played, rounds, trouble: null };
}

function shuffled(acts: readonly Act[], { chance }: Stage): readonly Act[] {
  const left = [...acts];
  return acts.flatMap(() => left.splice(chance.below(left.length), 1));
}

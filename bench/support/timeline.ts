/** Where the time of a release went, from the times in its journal. */
import type { Step } from '../../src/core/release/step.ts';
import type { Release } from './bench-project.ts';

export type Phase = 'files' | Step['kind'] | 'end';

export interface Timeline {
  readonly totalMs: number;
  /** From the request to the routing that gives all traffic to the new version. */
  readonly servesAfterMs: number;
  /** Each phase lasts until the next one begins, so that together they are the whole. */
  readonly phasesMs: ReadonlyMap<Phase, number>;
}

export function timelineOf({ askedAtMs, release, entries }: Release): Timeline {
  const begins: [Phase, number][] = [['files', askedAtMs]];
  let servesAtMs = askedAtMs;
  let lastDoneAtMs = askedAtMs;
  for (const { fact, atMs } of entries) {
    if (fact.kind === 'step-started') begins.push([fact.step.kind, atMs]);
    if (fact.kind !== 'step-done') continue;
    lastDoneAtMs = atMs;
    if (begins.at(-1)?.[0] === 'route') servesAtMs = atMs;
  }
  begins.push(['end', lastDoneAtMs]);
  const endedAtMs = release.endedAtMs ?? lastDoneAtMs;
  const phasesMs = new Map<Phase, number>();
  for (const [index, [phase, atMs]] of begins.entries()) {
    const untilMs = begins[index + 1]?.[1] ?? endedAtMs;
    phasesMs.set(phase, (phasesMs.get(phase) ?? 0) + untilMs - atMs);
  }
  return { totalMs: endedAtMs - askedAtMs, servesAfterMs: servesAtMs - askedAtMs, phasesMs };
}

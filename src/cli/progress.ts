/** What the journal's entries add up to while one watches a release. Pure: entry in, progress out. */
import type { ErrorRecord } from '../core/errors.ts';
import type { Entry, Fact } from '../core/release/journal.ts';
import type { ReleaseRecord } from '../core/release/records.ts';
import type { Outcome } from '../core/release/state.ts';
import { describeStep, type Step } from '../core/release/step.ts';
import { describeFact } from './render/fact.ts';

export interface StepProgress {
  readonly text: string;
  readonly state: 'waiting' | 'under-way' | 'done' | 'failed';
  readonly startedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly note: string;
}

export interface Progress {
  readonly release: string;
  readonly service: string;
  readonly strategy: string;
  readonly from: string | null;
  readonly to: string;
  readonly forward: readonly StepProgress[];
  /** The way back, once one was needed. */
  readonly back: readonly StepProgress[] | null;
  readonly cause: ErrorRecord | null;
  readonly ended: Outcome | null;
  /** The newest thing that happened besides the steps. */
  readonly news: string | null;
}

export function beginProgress({ plan }: ReleaseRecord): Progress {
  const { release, service, strategy, from, to, steps } = plan;
  const forward = steps.map(waiting);
  return { release, service, strategy, from, to, forward, back: null, cause: null, ended: null, news: null };
}

function waiting(step: Step): StepProgress {
  return { text: describeStep(step), state: 'waiting', startedAtMs: null, endedAtMs: null, note: '' };
}

export function advance(progress: Progress, { fact, atMs }: Entry): Progress {
  switch (fact.kind) {
    case 'step-started':
      return onStep(progress, fact, { state: 'under-way', startedAtMs: atMs, endedAtMs: null });
    case 'step-done':
      return { ...onStep(progress, fact, { state: 'done', endedAtMs: atMs, note: fact.note }), news: null };
    case 'step-failed':
      return onStep(progress, fact, { state: 'failed', endedAtMs: atMs });
    case 'back-planned':
      return { ...interrupted(progress, atMs), back: fact.steps.map(waiting), cause: fact.cause };
    case 'release-ended':
      return { ...interrupted(progress, atMs), ended: fact.outcome, cause: fact.cause ?? progress.cause };
    case 'release-planned':
      return progress;
    default:
      return { ...progress, news: describeFact(fact) };
  }
}

type StepFact = Extract<Fact, { index: number }>;

function onStep(progress: Progress, { index, direction }: StepFact, change: Partial<StepProgress>): Progress {
  const changed = (steps: readonly StepProgress[]) =>
    steps.map((step, i) => (i === index ? { ...step, ...change } : step));
  if (direction === 'forward') return { ...progress, forward: changed(progress.forward) };
  return { ...progress, back: changed(progress.back ?? []) };
}

/** A step that was under way when the release turned round did not end by itself. */
function interrupted(progress: Progress, atMs: number): Progress {
  const settle = (steps: readonly StepProgress[]) =>
    steps.map((step) =>
      step.state === 'under-way' ? { ...step, state: 'failed' as const, endedAtMs: atMs } : step,
    );
  return { ...progress, forward: settle(progress.forward), back: progress.back && settle(progress.back) };
}

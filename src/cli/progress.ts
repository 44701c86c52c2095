/** What the journal's entries add up to while one watches a release. Pure: entry in, progress out. */
import type { ErrorRecord } from '../core/errors.ts';
import type { Entry, Fact } from '../core/release/journal.ts';
import type { ReleaseRecord } from '../core/release/records.ts';
import type { Outcome } from '../core/release/state.ts';
import { describeStep, type Step } from '../core/release/step.ts';
import { weightFrom } from '../core/release/weight.ts';
import { describeFact } from './render/fact.ts';

export interface StepProgress {
  readonly text: string;
  /** It is done only when a person says so: always, or since it was not clear for too long. */
  readonly asks: 'approval' | 'evidence' | null;
  /** The new version's percent of the requests once it is done; null: as before. */
  readonly weight: number | null;
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
  /** By whom and why. */
  readonly paused: string | null;
  /** The newest thing that happened besides the steps. */
  readonly news: string | null;
  /** How the judge sees it now; null: nothing is being judged. */
  readonly standing: string | null;
}

export function beginProgress({ plan }: ReleaseRecord): Progress {
  const { release, service, strategy, from, to, steps } = plan;
  const forward = steps.map(waiting);
  const nothing = { back: null, cause: null, ended: null, paused: null, news: null, standing: null };
  return { release, service, strategy, from, to, forward, ...nothing };
}

function waiting(step: Step): StepProgress {
  const asks = step.kind === 'approve' ? 'approval' : null;
  const weight = weightFrom(step);
  return {
    text: describeStep(step),
    asks,
    weight,
    state: 'waiting',
    startedAtMs: null,
    endedAtMs: null,
    note: '',
  };
}

/** The new version's percent of the requests; null while they are not shared out by weight. */
export function weightOf({ forward, back, ended }: Progress): number | null {
  if (back !== null || ended !== null) return null;
  return forward.findLast(({ state, weight }) => state === 'done' && weight !== null)?.weight || null;
}

/** Entries come by another way than what is said of a release at this step, which may be the faster one. */
export function hasReached({ forward }: Progress, step: number): boolean {
  const before = forward[step - 2];
  return before === undefined || before.state === 'done';
}

/** What it goes on with only when a person says so; null while it goes on by itself. */
export function waitsFor({ paused, forward, service }: Progress): string | null {
  if (paused !== null) return `${paused}; go on: segue resume ${service}`;
  const asks = forward.find(({ state }) => state === 'under-way')?.asks ?? null;
  if (asks === 'approval') return `waits for approval: segue approve ${service}`;
  if (asks === null) return null;
  return `not clear yet, waits for evidence or a person: segue promote ${service}, or segue abort ${service}`;
}

export function advance(progress: Progress, { fact, atMs }: Entry): Progress {
  switch (fact.kind) {
    case 'step-started':
      return onStep(progress, fact, { state: 'under-way', startedAtMs: atMs, endedAtMs: null });
    case 'step-done':
      return { ...onStep(progress, fact, { state: 'done', endedAtMs: atMs, note: fact.note }), news: null };
    case 'paused':
      return { ...progress, paused: describeFact(fact) };
    case 'resumed':
      return { ...progress, paused: null, news: describeFact(fact) };
    case 'unsure':
      return onStep(
        { ...progress, news: describeFact(fact) },
        { ...fact, direction: 'forward' },
        { asks: 'evidence' },
      );
    case 'step-failed':
      return onStep(progress, fact, { state: 'failed', endedAtMs: atMs });
    case 'back-planned':
      return {
        ...interrupted(progress, atMs),
        paused: null,
        back: fact.steps.map(waiting),
        cause: fact.cause,
      };
    case 'release-ended':
      return { ...interrupted(progress, atMs), ended: fact.outcome, cause: fact.cause ?? progress.cause };
    case 'release-planned':
      return progress;
    default:
      return { ...progress, news: describeFact(fact) };
  }
}

type StepFact = Pick<Extract<Fact, { direction: 'forward' | 'back' }>, 'index' | 'direction'>;

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

/**
 * The life of a release as a pure machine: events in, state out, and from a state the one thing to do next.
 * The engine in `control` writes an event to the journal before it trusts it, so replaying the events after
 * a crash gives the same state and the same next act (R5).
 */
import { describeError, type ErrorRecord } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Step } from './step.ts';

export type ReleaseState =
  | { readonly phase: 'forward'; readonly at: number; readonly underWay: boolean }
  /** A way back has to be planned from what is true now. */
  | { readonly phase: 'turning'; readonly cause: ErrorRecord; readonly tries: number }
  | {
      readonly phase: 'back';
      readonly cause: ErrorRecord;
      readonly tries: number;
      readonly steps: readonly Step[];
      readonly at: number;
      readonly underWay: boolean;
    }
  | { readonly phase: 'ended'; readonly outcome: Outcome; readonly cause: ErrorRecord | null };

export type Outcome = 'done' | 'rolled-back' | 'stuck';

export type ReleaseEvent =
  | { readonly type: 'step-started' }
  | { readonly type: 'step-done' }
  | { readonly type: 'step-failed'; readonly error: ErrorRecord }
  | { readonly type: 'abort-asked'; readonly by: string; readonly reason: string }
  | { readonly type: 'back-planned'; readonly steps: readonly Step[] };

export type Act =
  | {
      readonly do: 'apply';
      readonly step: Step;
      readonly index: number;
      readonly direction: 'forward' | 'back';
    }
  | { readonly do: 'plan-back'; readonly cause: ErrorRecord; readonly afterMs: number }
  | { readonly do: 'end'; readonly outcome: Outcome; readonly cause: ErrorRecord | null };

export const BEGIN: ReleaseState = { phase: 'forward', at: 0, underWay: false };

/** True once the candidate has become stable: from here a release is finished, whatever fails (DESIGN s. 5). */
export function isPromoted(state: ReleaseState, steps: readonly Step[]): boolean {
  if (state.phase !== 'forward') return state.phase === 'ended' && state.outcome === 'done';
  return steps.slice(0, state.at).some((step) => step.kind === 'promote');
}

export function transition(state: ReleaseState, event: ReleaseEvent, steps: readonly Step[]): ReleaseState {
  switch (state.phase) {
    case 'forward':
      return forward(state, event, steps);
    case 'turning':
      return event.type === 'back-planned'
        ? settleBack({ ...state, phase: 'back', steps: event.steps, at: 0, underWay: false })
        : state;
    case 'back':
      return back(state, event);
    case 'ended':
      return state;
  }
}

type Forward = Extract<ReleaseState, { phase: 'forward' }>;
type Back = Extract<ReleaseState, { phase: 'back' }>;

function forward(state: Forward, event: ReleaseEvent, steps: readonly Step[]): ReleaseState {
  switch (event.type) {
    case 'step-started':
      return { ...state, underWay: true };
    case 'step-done':
      return settleForward({ phase: 'forward', at: state.at + 1, underWay: false }, steps);
    case 'step-failed':
      // Past the promotion only clean-up is left: it is reported, and nothing that serves is touched.
      if (isPromoted(state, steps))
        return settleForward({ phase: 'forward', at: state.at + 1, underWay: false }, steps);
      return { phase: 'turning', cause: event.error, tries: 0 };
    case 'abort-asked':
      if (isPromoted(state, steps)) return state;
      return { phase: 'turning', cause: { code: 'RELEASE_ABORTED', detail: abortDetail(event) }, tries: 0 };
    case 'back-planned':
      return state;
  }
}

function back(state: Back, event: ReleaseEvent): ReleaseState {
  switch (event.type) {
    case 'step-started':
      return { ...state, underWay: true };
    case 'step-done':
      return settleBack({ ...state, at: state.at + 1, underWay: false });
    case 'step-failed': {
      const tries = state.tries + 1;
      if (tries < limits.release.backTriesMax) return { phase: 'turning', cause: state.cause, tries };
      return { phase: 'ended', outcome: 'stuck', cause: stuckCause(state.cause, event.error) };
    }
    case 'abort-asked':
    case 'back-planned':
      return state;
  }
}

function settleForward(state: Forward, steps: readonly Step[]): ReleaseState {
  return state.at < steps.length ? state : { phase: 'ended', outcome: 'done', cause: null };
}

function settleBack(state: Back): ReleaseState {
  return state.at < state.steps.length
    ? state
    : { phase: 'ended', outcome: 'rolled-back', cause: state.cause };
}

/** A person has to act: they need both why it turned and why it did not get back. */
function stuckCause(turned: ErrorRecord, failed: ErrorRecord): ErrorRecord {
  return {
    code: 'RELEASE_STUCK',
    detail: `It turned because: ${describeError(turned)}\nGoing back failed: ${describeError(failed)}`,
  };
}

function abortDetail(event: Extract<ReleaseEvent, { type: 'abort-asked' }>): string {
  return event.reason ? `By ${event.by}: ${event.reason}` : `By ${event.by}.`;
}

export function nextAct(state: ReleaseState, steps: readonly Step[]): Act {
  switch (state.phase) {
    case 'forward': {
      const step = steps[state.at];
      if (!step) return { do: 'end', outcome: 'done', cause: null };
      return { do: 'apply', step, index: state.at, direction: 'forward' };
    }
    case 'turning':
      return {
        do: 'plan-back',
        cause: state.cause,
        afterMs: state.tries === 0 ? 0 : limits.release.backRetryMs * 2 ** (state.tries - 1),
      };
    case 'back': {
      const step = state.steps[state.at];
      if (!step) return { do: 'end', outcome: 'rolled-back', cause: state.cause };
      return { do: 'apply', step, index: state.at, direction: 'back' };
    }
    case 'ended':
      return { do: 'end', outcome: state.outcome, cause: state.cause };
  }
}

/**
 * The life of a release as a pure machine: events in, state out, and from a state the one thing to do next.
 * The engine in `control` writes an event to the journal before it trusts it, so replaying the events after
 * a crash gives the same state and the same next act (R5).
 */
import { describeError, type ErrorRecord } from '../errors.ts';
import { limits } from '../limits.ts';
import { isGate, type Pass, type Pause, type Word } from './gate.ts';
import type { Step } from './step.ts';
import { waitAt } from './waiting.ts';

export type ReleaseState =
  | {
      readonly phase: 'forward';
      readonly at: number;
      readonly underWay: boolean;
      /** The step under way goes on, the next one does not begin; those for which requests wait are as one. */
      readonly paused?: Pause;
      /** The gates that people passed, each once. */
      readonly passes?: readonly Pass[];
      /** The judge step that was not clear within its patience, and goes on only with evidence or by a person. */
      readonly unsure?: number;
    }
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

/** `stopped`: it went as planned, and by that plan the version that served goes on. */
export type Outcome = 'done' | 'stopped' | 'rolled-back' | 'stuck';

export type ReleaseEvent =
  | { readonly type: 'step-started' }
  | { readonly type: 'step-done' }
  | { readonly type: 'step-failed'; readonly error: ErrorRecord }
  | ({ readonly type: 'abort-asked' } & Word)
  | ({ readonly type: 'paused' } & Pause)
  | ({ readonly type: 'resumed' } & Word)
  | ({ readonly type: 'approved'; readonly index: number } & Word)
  | ({ readonly type: 'gates-waived'; readonly indexes: readonly number[] } & Word)
  | { readonly type: 'unsure'; readonly index: number }
  /** Something besides its steps makes it go back. */
  | { readonly type: 'turned'; readonly cause: ErrorRecord }
  | { readonly type: 'back-planned'; readonly steps: readonly Step[] };

export type Act =
  | {
      readonly do: 'apply';
      readonly step: Step;
      readonly index: number;
      readonly direction: 'forward' | 'back';
    }
  /** Nothing, until a person says so. */
  | { readonly do: 'wait'; readonly pause: Pause }
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
      return settleForward(state, steps);
    case 'step-failed':
      // Past the promotion only clean-up is left: it is reported, and nothing that serves is touched.
      if (isPromoted(state, steps)) return settleForward(state, steps);
      return turn(event.error);
    case 'abort-asked':
      if (isPromoted(state, steps)) return state;
      return turn({ code: 'RELEASE_ABORTED', detail: abortDetail(event) });
    case 'turned':
      return isPromoted(state, steps) ? state : turn(event.cause);
    case 'back-planned':
      return state;
    default:
      return isPromoted(state, steps) ? state : listen(state, event, steps);
  }
}

type Said = Extract<ReleaseEvent, { type: 'paused' | 'resumed' | 'approved' | 'gates-waived' | 'unsure' }>;

/** What people say, or are asked, while the release can still be taken back. */
function listen(state: Forward, event: Said, steps: readonly Step[]): Forward {
  switch (event.type) {
    case 'paused': {
      const { type: _type, ...pause } = event;
      return state.paused ? state : { ...state, paused: pause };
    }
    case 'resumed':
      return goOn(state);
    case 'unsure':
      return event.index === state.at ? { ...state, unsure: event.index } : state;
    case 'approved':
      return steps[event.index]?.kind === 'approve' ? pass(state, [event.index], 'approved', event) : state;
    case 'gates-waived': {
      const gates = event.indexes.filter((index) => {
        const step = steps[index];
        return step !== undefined && isGate(step);
      });
      return pass(state, gates, 'waived', event);
    }
  }
}

function pass(state: Forward, indexes: readonly number[], how: Pass['how'], { by, reason }: Word): Forward {
  const fresh = [...new Set(indexes)].filter(
    (index) => index >= state.at && passOf(state, index) === undefined,
  );
  if (fresh.length === 0) return state;
  const passes = [...(state.passes ?? []), ...fresh.map((index) => ({ index, how, by, reason }))];
  return { ...state, passes };
}

/** What a person said about the gate at that step. */
export function passOf(state: ReleaseState, index: number): Pass | undefined {
  return state.phase === 'forward' ? state.passes?.find((each) => each.index === index) : undefined;
}

/** Who holds the release where it is. */
export function pauseOf(state: ReleaseState): Pause | undefined {
  return state.phase === 'forward' ? state.paused : undefined;
}

function goOn({ paused: _paused, ...state }: Forward): Forward {
  return state;
}

function turn(cause: ErrorRecord): ReleaseState {
  return { phase: 'turning', cause, tries: 0 };
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
    default:
      return state;
  }
}

/** To the next step. A promotion ends a pause: what it kept from happening has happened. */
function settleForward(before: Forward, steps: readonly Step[]): ReleaseState {
  const state = { ...before, at: before.at + 1, underWay: false };
  if (state.at >= steps.length) return { phase: 'ended', outcome: plannedEnd(steps), cause: null };
  return isPromoted(state, steps) ? goOn(state) : state;
}

function plannedEnd(steps: readonly Step[]): Outcome {
  return steps.some((step) => step.kind === 'promote') ? 'done' : 'stopped';
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

function abortDetail({ by, reason }: Word): string {
  return reason ? `By ${by}: ${reason}` : `By ${by}.`;
}

export function nextAct(state: ReleaseState, steps: readonly Step[]): Act {
  switch (state.phase) {
    case 'forward': {
      const step = steps[state.at];
      if (!step) return { do: 'end', outcome: plannedEnd(steps), cause: null };
      // Nobody serves between some steps: a pause comes after them.
      if (state.paused && !state.underWay && waitAt(steps, state.at) === null)
        return { do: 'wait', pause: state.paused };
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

/**
 * Bugs hunted: a release that never ends, one that is reported as done although it was taken back, one that
 * goes back after the candidate became stable, and a restart that goes on differently than the run it
 * replaces (R5); a pause that begins a step or keeps a bad release from going back, and a word of a person
 * that skips work. All over random plans and random, even senseless, orders of events.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { ErrorRecord } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Step } from './step.ts';
import { EXTENTS, gatesWithin, isGate } from './gate.ts';
import {
  BEGIN,
  isPromoted,
  nextAct,
  passOf,
  pauseOf,
  type ReleaseEvent,
  type ReleaseState,
  transition,
} from './state.ts';

const work: fc.Arbitrary<Step> = fc.constantFrom(
  { kind: 'start', instances: [] },
  { kind: 'ready', instances: [] },
  { kind: 'drain', instances: [] },
  { kind: 'stop', instances: [] },
  { kind: 'hold', forMs: 1_000, instances: [] },
  { kind: 'approve', instances: [] },
  { kind: 'bake', forMs: 1_000, instances: [] },
);
const backSteps = fc.array(work, { maxLength: 4 });

/** Work, a promotion, the clean-up after it. */
const plan = fc
  .tuple(fc.array(work, { minLength: 1, maxLength: 6 }), fc.array(work, { maxLength: 3 }))
  .map(([before, after]): Step[] => [...before, { kind: 'promote', version: 'v2' }, ...after]);

const word = { by: fc.constant('ops'), reason: fc.constant('because') };
const event: fc.Arbitrary<ReleaseEvent> = fc.oneof(
  fc.constant({ type: 'step-started' } as const),
  fc.constant({ type: 'step-done' } as const),
  fc.record({
    type: fc.constant('step-failed' as const),
    error: fc.constantFrom<ErrorRecord>(
      { code: 'SMOKE_FAILED', detail: 'GET / gave 500' },
      { code: 'CRASH_LOOP', detail: '' },
    ),
  }),
  fc.record({ type: fc.constant('abort-asked' as const), by: fc.string(), reason: fc.string() }),
  fc.record({ type: fc.constant('back-planned' as const), steps: backSteps }),
  fc.constant({ type: 'paused', by: 'ops', reason: 'looking', atMs: 1 } as const),
  fc.constant({ type: 'resumed', by: 'ops', reason: '' } as const),
  fc.record({ type: fc.constant('approved' as const), index: fc.nat(12), ...word }),
  fc.record({ type: fc.constant('gates-waived' as const), indexes: fc.array(fc.nat(12)), ...word }),
  fc.constant({ type: 'turned', cause: { code: 'CRASH_LOOP', detail: '' } } as const),
);
const events = fc.array(event, { maxLength: 40 });

const replay = (history: readonly ReleaseEvent[], steps: readonly Step[], from: ReleaseState = BEGIN) =>
  history.reduce((state, next) => transition(state, next, steps), from);

/** Every state that a history leads through, the first one included. */
function statesOf(history: readonly ReleaseEvent[], steps: readonly Step[]): readonly ReleaseState[] {
  const states = [BEGIN];
  for (const next of history) states.push(transition(states.at(-1) ?? BEGIN, next, steps));
  return states;
}

const FAILURE: ReleaseEvent = { type: 'step-failed', error: { code: 'STOP_FAILED', detail: '' } };

/** What the engine does: carry out the next act until the release ends. Says how many events that took. */
function carryOn(
  from: ReleaseState,
  steps: readonly Step[],
  succeeds: () => boolean,
  back: readonly Step[],
): { readonly state: ReleaseState; readonly events: number } {
  const eventsMax = 1 + 2 * steps.length + (limits.release.backTriesMax + 1) * (2 * back.length + 10);
  let state = from;
  for (let count = 0; count <= eventsMax;) {
    const act = nextAct(state, steps);
    if (act.do === 'end') return { state, events: count };
    const next: ReleaseEvent[] =
      act.do === 'plan-back'
        ? [{ type: 'back-planned', steps: back }]
        : act.do === 'wait'
          ? [{ type: 'resumed', by: 'ops', reason: '' }]
          : [{ type: 'step-started' }, succeeds() ? { type: 'step-done' } : FAILURE];
    state = replay(next, steps, state);
    count += next.length;
  }
  return assert.fail(`not ended after ${eventsMax} events: ${JSON.stringify(state)}`);
}

test('a plan whose steps succeed is carried out whole, in order, and done', () => {
  fc.assert(
    fc.property(plan, (steps) => {
      const applied: Step[] = [];
      let state = BEGIN;
      for (let act = nextAct(state, steps); act.do === 'apply'; act = nextAct(state, steps)) {
        assert.equal(act.index, applied.length);
        applied.push(act.step);
        state = replay([{ type: 'step-started' }, { type: 'step-done' }], steps, state);
      }
      assert.deepEqual(applied, steps);
      assert.deepEqual(state, { phase: 'ended', outcome: 'done', cause: null });
    }),
  );
});

test('a plan that promotes nothing ends as stopped: never as done, and never as taken back', () => {
  fc.assert(
    fc.property(fc.array(work, { minLength: 1, maxLength: 6 }), (steps) => {
      const { state } = carryOn(BEGIN, steps, () => true, []);
      assert.deepEqual(state, { phase: 'ended', outcome: 'stopped', cause: null });
      assert.ok(!isPromoted(state, steps));
    }),
  );
});

test('from wherever a history led, a release ends within a bounded number of events', () => {
  fc.assert(
    fc.property(plan, events, backSteps, fc.infiniteStream(fc.boolean()), (steps, history, back, luck) => {
      const before = replay(history, steps);
      const { state } = carryOn(before, steps, () => luck.next().value, back);
      assert.equal(state.phase, 'ended');
    }),
  );
});

test('when every step fails, the release gives up after its tries and says that it is stuck', () => {
  fc.assert(
    fc.property(plan, fc.array(work, { minLength: 1, maxLength: 4 }), (steps, back) => {
      const { state } = carryOn(BEGIN, steps, () => false, back);
      assert.ok(state.phase === 'ended' && state.outcome === 'stuck' && state.cause !== null);
    }),
  );
});

test('an abort asked for before the promotion never ends in done', () => {
  fc.assert(
    fc.property(plan, events, events, backSteps, (steps, before, after, back) => {
      const state = replay(before, steps);
      fc.pre(state.phase !== 'ended' && !isPromoted(state, steps));
      const aborted = replay([{ type: 'abort-asked', by: 'ops', reason: '' }, ...after], steps, state);
      const end = carryOn(aborted, steps, () => true, back).state;
      assert.ok(end.phase === 'ended' && end.outcome !== 'done', JSON.stringify(end));
    }),
  );
});

test('after the promotion nothing leads back, and the release ends as done', () => {
  fc.assert(
    fc.property(plan, events, (steps, history) => {
      const promotedAt = steps.findIndex((step) => step.kind === 'promote') + 1;
      const promoted: ReleaseState =
        promotedAt < steps.length
          ? { phase: 'forward', at: promotedAt, underWay: false }
          : { phase: 'ended', outcome: 'done', cause: null };
      assert.ok(isPromoted(promoted, steps));
      const state = replay(history, steps, promoted);
      assert.ok(state.phase === 'forward' || state.phase === 'ended', state.phase);
      assert.deepEqual(carryOn(state, steps, () => false, []).state, {
        phase: 'ended',
        outcome: 'done',
        cause: null,
      });
    }),
  );
});

test('until the promotion is done, a failure or an abort still leads back', () => {
  fc.assert(
    fc.property(plan, fc.boolean(), (steps, aborted) => {
      const at = steps.findIndex((step) => step.kind === 'promote');
      const promoting: ReleaseState = { phase: 'forward', at, underWay: true };
      const last: ReleaseEvent = aborted ? { type: 'abort-asked', by: 'ops', reason: '' } : FAILURE;
      assert.equal(transition(promoting, last, steps).phase, 'turning');
    }),
  );
});

test('a restart at any point goes on exactly where the run before it was', () => {
  fc.assert(
    fc.property(plan, events, fc.nat(), (steps, history, point) => {
      const at = point % (history.length + 1);
      const written: ReleaseState = JSON.parse(JSON.stringify(replay(history.slice(0, at), steps)));
      const whole = replay(history, steps);
      const resumed = replay(history.slice(at), steps, written);
      assert.deepEqual(resumed, whole);
      assert.deepEqual(nextAct(resumed, steps), nextAct(whole, steps));
    }),
  );
});

test('the next act is always one that can be done: a step of the right list, or the end', () => {
  fc.assert(
    fc.property(plan, events, (steps, history) => {
      for (const state of statesOf(history, steps)) {
        const act = nextAct(state, steps);
        assert.equal(act.do === 'end', state.phase === 'ended', JSON.stringify(state));
        if (act.do !== 'apply') continue;
        const list = state.phase === 'back' ? state.steps : steps;
        assert.equal(act.direction, state.phase === 'back' ? 'back' : 'forward');
        assert.equal(act.step, list[act.index]);
      }
    }),
  );
});

test('a pause begins no step, survives a restart, and ends with the promotion at the latest', () => {
  fc.assert(
    fc.property(plan, events, (steps, history) => {
      for (const state of statesOf(history, steps)) {
        if (!pauseOf(state)) continue;
        assert.equal(state.phase, 'forward');
        assert.ok(!isPromoted(state, steps), 'nothing is left to pause');
        const act = nextAct(state, steps);
        assert.equal(act.do, state.phase === 'forward' && state.underWay ? 'apply' : 'wait');
        assert.deepEqual(nextAct(JSON.parse(JSON.stringify(state)), steps), act);
        const done = transition(state, { type: 'step-done' }, steps);
        if (pauseOf(done)) assert.equal(nextAct(done, steps).do, 'wait');
      }
    }),
  );
});

test('paused or not, an abort and a failure lead back at once', () => {
  const turns: ReleaseEvent[] = [
    { type: 'abort-asked', by: 'ops', reason: '' },
    { type: 'turned', cause: { code: 'CRASH_LOOP', detail: '' } },
  ];
  fc.assert(
    fc.property(plan, events, fc.constantFrom(...turns), (steps, history, last) => {
      const before = replay(history, steps);
      fc.pre(before.phase === 'forward' && !isPromoted(before, steps));
      const paused = transition(before, { type: 'paused', by: 'ops', reason: '', atMs: 0 }, steps);
      assert.equal(transition(paused, last, steps).phase, 'turning');
    }),
  );
});

test('people pass gates only, each once, and never one that lies behind', () => {
  fc.assert(
    fc.property(plan, events, (steps, history) => {
      for (const state of statesOf(history, steps)) {
        const passes = state.phase === 'forward' ? (state.passes ?? []) : [];
        assert.equal(new Set(passes.map(({ index }) => index)).size, passes.length);
        for (const { index, how } of passes) {
          const step = steps[index];
          assert.ok(step && isGate(step), `step ${index} is a gate`);
          if (how === 'approved') assert.equal(step.kind, 'approve');
        }
        const { length } = passes;
        for (const index of state.phase === 'forward' ? Array(state.at).keys() : []) {
          const again = transition(
            state,
            { type: 'gates-waived', indexes: [index], by: '', reason: '' },
            steps,
          );
          assert.equal(again.phase === 'forward' ? (again.passes?.length ?? 0) : 0, length);
        }
      }
    }),
  );
});

test('what a promotion passes: this gate, those before full traffic, or all that are left', () => {
  const gate = (kind: 'hold' | 'bake'): Step => ({ kind, forMs: 1, instances: [] });
  const rotation = { instances: [], split: null, draining: [] };
  const route: Step = { kind: 'route', rotation, purpose: '' };
  const steps: Step[] = [
    { kind: 'start', instances: [] },
    route,
    gate('hold'),
    { kind: 'approve', instances: [] },
    route,
    gate('bake'),
    { kind: 'promote', version: 'v2' },
  ];
  const passed = (at: number) => EXTENTS.map((extent) => gatesWithin(steps, at, extent));
  assert.deepEqual(passed(0), [[], [2, 3], [2, 3, 5]]);
  assert.deepEqual(passed(2), [[2], [2, 3], [2, 3, 5]]);
  assert.deepEqual(passed(3), [[3], [3], [3, 5]]);
  assert.deepEqual(passed(5), [[5], [], [5]]);
  const waived = replay([{ type: 'gates-waived', indexes: [2, 3], by: 'kim', reason: 'hotfix' }], steps);
  assert.deepEqual(passOf(waived, 3), { index: 3, how: 'waived', by: 'kim', reason: 'hotfix' });
  assert.equal(passOf(waived, 5), undefined);
});

test('an ended release stays as it ended, and what went back says why', () => {
  fc.assert(
    fc.property(plan, events, (steps, history) => {
      const states = statesOf(history, steps);
      const end = states.find((state) => state.phase === 'ended');
      if (end) assert.deepEqual(states.at(-1), end);
      if (end?.phase === 'ended') assert.equal(end.cause === null, end.outcome === 'done');
    }),
  );
});

test('a failure while going back keeps the first cause and waits longer before each new try', () => {
  const steps: Step[] = [{ kind: 'start', instances: [] }];
  const back: ReleaseEvent = { type: 'back-planned', steps: [{ kind: 'stop', instances: [] }] };
  const smoke: ReleaseEvent = {
    type: 'step-failed',
    error: { code: 'SMOKE_FAILED', detail: 'GET / gave 500' },
  };
  let state = replay([smoke], steps);
  const waitsMs: number[] = [];
  for (let act = nextAct(state, steps); act.do === 'plan-back'; act = nextAct(state, steps)) {
    assert.equal(act.cause.code, 'SMOKE_FAILED');
    waitsMs.push(act.afterMs);
    state = replay([back, FAILURE], steps, state);
  }
  const first = limits.release.backRetryMs;
  assert.deepEqual(waitsMs, [0, first, 2 * first, 4 * first, 8 * first]);
  assert.ok(state.phase === 'ended' && state.outcome === 'stuck');
  assert.equal(state.cause?.code, 'RELEASE_STUCK');
  // A person has to act, and needs to know both why it turned and why it did not get back.
  assert.match(state.cause.detail, /A smoke test .* gave 500/);
  assert.match(state.cause.detail, /An instance did not stop/);
});

test('a pause does not keep requests waiting: it begins when they are served', () => {
  const nobody = { instances: [], split: null, draining: ['web-r1-1'] };
  const somebody = { instances: ['web-r2-1'], split: null, draining: [] };
  const steps: Step[] = [
    { kind: 'route', rotation: nobody, holdMs: 5_000, purpose: '' },
    { kind: 'stop', instances: [] },
    { kind: 'route', rotation: somebody, purpose: '' },
    { kind: 'bake', forMs: 1_000, instances: [] },
    { kind: 'promote', version: 'v2' },
  ];
  const paused = { paused: { by: 'ops', reason: '', atMs: 0 }, phase: 'forward', underWay: false } as const;
  assert.deepEqual(
    [0, 1, 2, 3].map((at) => nextAct({ ...paused, at }, steps).do),
    ['wait', 'apply', 'apply', 'wait'],
  );
});

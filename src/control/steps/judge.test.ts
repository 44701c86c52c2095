/**
 * Hunts a clock that jumps and ends the patience of a stage, or never lets it end; a verdict of another stage that
 * passes this one; and a person who is asked again by every control.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { releaseOf } from '../../../test/support/release-records.ts';
import { serviceSpec } from '../../../test/support/service-spec.ts';
import type { Verdict } from '../../core/judge/verdict.ts';
import type { OnUnsure } from '../../core/judge/rules.ts';
import type { JudgeStep, Step } from '../../core/release/step.ts';
import type { Happening } from '../release-book.ts';
import type { StepContext } from './handler.ts';
import { judge } from './judge.ts';

const DAY_MS = 86_400_000;
const PATIENCE_MS = 60_000;

const ROUTE: Step = {
  kind: 'route',
  purpose: '',
  rotation: { instances: ['web-r2-1'], split: null, draining: [] },
};

function atJudge(onUnsure: OnUnsure, began: { readonly agoMs?: number; readonly asked?: boolean } = {}) {
  const clock = new FakeClock();
  const step: JudgeStep = { kind: 'judge', patienceMs: PATIENCE_MS, onUnsure, instances: [] };
  const record = releaseOf('done');
  const unsure = began.asked ? { unsure: 1 } : {};
  const release = {
    ...record,
    plan: { ...record.plan, steps: [ROUTE, step] },
    state: { phase: 'forward', at: 1, underWay: true, ...unsure } as const,
  };
  const told: Happening[] = [];
  const verdicts = new Map<number, Verdict>();
  const listeners = new Set<() => void>();
  const context = {
    ...{ release, spec: serviceSpec(), service: serviceSpec(), index: 1, direction: 'forward' },
    ports: { clock },
    ledger: { release: () => release, service: () => ({ rotation: { instances: ['web-r1-1'] } }) },
    fleet: { isReady: () => true, onChange: () => () => undefined },
    judge: {
      verdictOf: (_: string, stage: number) => verdicts.get(stage) ?? 'not-enough-evidence',
      onChange: (listener: () => void) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    beganAtMs: clock.nowMs() - (began.agoMs ?? 0),
    signal: new AbortController().signal,
    tell: (happening: Happening) => {
      told.push(happening);
      return Promise.resolve();
    },
  } as unknown as StepContext;
  const end: { note: string | null; failed: unknown } = { note: null, failed: null };
  const run = judge(step, context).then(
    (note) => (end.note = note),
    (error: unknown) => (end.failed = error),
  );
  const say = (stage: number, verdict: Verdict) => {
    verdicts.set(stage, verdict);
    for (const listener of listeners) listener();
  };
  return { clock, end, run, say, told };
}

test('a clock that jumps ahead does not end its patience, one that jumps back does not keep it', async () => {
  for (const jumpMs of [DAY_MS, -DAY_MS]) {
    const { clock, end, run } = atJudge('promote');
    await clock.advance(PATIENCE_MS / 2);
    clock.jump(jumpMs);
    await clock.advance(PATIENCE_MS / 2 - 1);
    assert.equal(end.note, null, `${jumpMs}`);
    await clock.advance(1);
    await run;
    assert.equal(end.note, 'not clear after 1m, on all the same');
  }
});

test('another control waits for the rest; a clock that was set back meanwhile asks for all of it, and no more', async () => {
  for (const [agoMs, leftMs] of [
    [PATIENCE_MS / 3, (2 * PATIENCE_MS) / 3],
    [-DAY_MS, PATIENCE_MS],
  ] as const) {
    const { clock, end, run } = atJudge('back', { agoMs });
    await clock.advance(leftMs - 1);
    assert.equal(end.failed, null);
    await clock.advance(1);
    await run;
    assert.match(String(end.failed), /EVIDENCE_MISSING|not clear/i);
  }
});

test('evidence of this stage passes it, that of another one does not', async () => {
  const { clock, end, run, say } = atJudge('hold');
  say(7, 'better-or-same');
  await clock.advance(1_000);
  assert.equal(end.note, null);
  say(0, 'better-or-same');
  await clock.advance(0);
  await run;
  assert.equal(end.note, 'not worse, known after 1s');
});

test('a hold asks a person once its patience is over, once, and still goes on with evidence', async () => {
  for (const asked of [false, true]) {
    const { clock, end, run, say, told } = atJudge('hold', { asked });
    await clock.advance(PATIENCE_MS);
    assert.deepEqual(
      told.map(({ event }) => event),
      asked ? [] : [{ type: 'unsure', index: 1 }],
    );
    await clock.advance(DAY_MS);
    assert.equal(end.note, null);
    say(0, 'better-or-same');
    await clock.advance(0);
    await run;
    assert.match(end.note ?? '', /^not worse/);
  }
});

/** Hunts a flag that cannot be lowered and keeps a release from going back, or one that is passed over going forward. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SegueError } from '../../core/errors.ts';
import type { LowerStep } from '../../core/release/step.ts';
import { lower } from './flag.ts';
import type { StepContext } from './handler.ts';

const step: LowerStep = { kind: 'lower', flags: ['checkout'], for: 'v1' };

/** Only what the handler uses. */
function contextOf(direction: 'forward' | 'back', work: () => Promise<string>): StepContext {
  const flags = { lower: work };
  return { direction, flags, release: {} } as unknown as StepContext;
}

const fails = () => Promise.reject(new SegueError('UNEXPECTED', 'the disk is gone'));

test('what cannot be written never blocks the way back, and is said', async () => {
  assert.match(await lower(step, contextOf('back', fails)), /^not lowered: .*the disk is gone/);
});

test('forward, no request goes to a version whose flags could not be lowered', async () => {
  await assert.rejects(lower(step, contextOf('forward', fails)), /the disk is gone/);
  assert.equal(
    await lower(
      step,
      contextOf('forward', () => Promise.resolve('done')),
    ),
    'done',
  );
});

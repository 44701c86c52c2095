/**
 * Hunts the crash on the way up of a canary that leaves two versions serving, none, an orphan process, or a release
 * that nobody finishes (R5), or that a steady client notices.
 */
import { it } from 'node:test';
import { crashEverywhere } from '../support/crash-suite.ts';

it('control killed at every write of a canary release', { timeout: 1_800_000 }, (t) =>
  crashEverywhere(
    t,
    '{ type: canary, stable: shrink, baseline: true, bake: 50ms, steps: [{ weight: 20, for: 50ms }, { weight: 60, for: 50ms }] }',
    { all: true },
  ),
);

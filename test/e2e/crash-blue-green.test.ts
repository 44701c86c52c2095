/**
 * Hunts the crash in a blue-green release that leaves two versions serving, none, an orphan process, or a
 * release that nobody finishes (R5), or that a steady client notices.
 */
import { it } from 'node:test';
import { crashEverywhere } from '../support/crash-suite.ts';

it('control killed at every write of a blue-green release', { timeout: 900_000 }, (t) =>
  crashEverywhere(
    t,
    '{ type: blue-green, bake: 50ms, preview: { header: x-preview, value: me, for: 50ms } }',
    { all: true },
  ),
);

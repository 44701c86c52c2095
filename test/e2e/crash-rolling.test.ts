/**
 * Hunts the crash in a rolling release that leaves two versions serving, none, an orphan process, or a
 * release that nobody finishes (R5), or that a steady client notices.
 */
import { it } from 'node:test';
import { crashEverywhere } from '../support/crash-suite.ts';

it('control killed at every write of a rolling release', { timeout: 900_000 }, (t) =>
  crashEverywhere(t, '{ type: rolling, surge: 1, unavailable: 0 }', { all: true }),
);

/**
 * Hunts the crash in a handover that leaves two versions running at once (R10), none, a release that nobody
 * finishes (R5), or that a steady client notices.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { it } from 'node:test';
import { crashEverywhere } from '../support/crash-suite.ts';

it('control killed at every write of a handover', { timeout: 900_000 }, (t) =>
  crashEverywhere(t, '{ type: handover, bake: 50ms }', {
    all: true,
    file: { instances: 1, traffic: ', hold: 120s' },
    behaviour: (root) => ({ alone: path.join(root, 'alone') }),
    check: (root) => assert.equal(existsSync(path.join(root, 'alone.met')), false, 'two ran at once'),
  }),
);

/** Hunts logs that say every second how a release stands, or never say that something else holds it now. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Standing } from '../core/judge/standing.ts';
import { limits } from '../core/limits.ts';
import { StandingLines } from './standings.ts';

const standing = (text: string, change: Partial<Standing> = {}): Standing => ({
  ...{ verdict: 'not-enough-evidence', text, evidence: null, perSecond: null },
  ...{ requests: 0, missingRequests: null, missingMs: null, holds: ['errors'] },
  ...change,
});

test('a line at first, then when something else holds it, and now and then', () => {
  const lines = new StandingLines();
  assert.equal(lines.next('r1', null, 0), null);
  assert.equal(lines.next('r1', standing('a'), 0), 'judge: a');
  assert.equal(lines.next('r1', standing('b'), 1_000), null);
  assert.equal(lines.next('r2', standing('b'), 1_000), 'judge: b', 'each release by itself');
  assert.equal(lines.next('r1', standing('c', { holds: ['metric x'] }), 2_000), 'judge: c');
  const laterMs = 2_000 + limits.cli.standingIntervalMs;
  assert.equal(lines.next('r1', standing('c', { holds: ['metric x'] }), laterMs), null, 'nothing new');
  assert.equal(lines.next('r1', standing('d', { holds: ['metric x'] }), laterMs), 'judge: d');
});

test('what is decided is not said twice', () => {
  const lines = new StandingLines();
  assert.equal(lines.next('r1', standing('a', { verdict: 'better-or-same' }), 0), null);
  assert.equal(lines.next('r1', standing('a', { verdict: 'worse' }), 0), null);
});

/** Hunts guards that decide and stand below those that do not, and walls of rows that say nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GuardFinding, NOT_MEASURED, type Verdict } from '../../core/judge/verdict.ts';
import { guardRows } from './guard-rows.ts';

const finding = (
  guard: string,
  role: GuardFinding['role'],
  verdict: Verdict,
  proof = guard,
): GuardFinding => ({ ...{ guard, role, verdict, proof }, worse: null });

const lines = (...guards: GuardFinding[]) =>
  guardRows(guards).map((row) =>
    row
      .map(({ text }) => text)
      .join(' | ')
      .replace(/[ |]+$/, ''),
  );

test('what can decide comes first, and what only watches says so', () => {
  const rows = lines(
    finding('memory growth', 'watch', 'not-enough-evidence', '12 MB/h'),
    finding('cpu', 'alarm', 'not-enough-evidence', '2ms'),
    finding('probes', 'voucher', 'worse', 'failed 3 of 3'),
    finding('metric x', 'gate', 'better-or-same', '0.01'),
  );
  assert.deepEqual(rows, [
    '✓ | metric x | 0.01',
    '✗ | probes | failed 3 of 3',
    '· | cpu | 2ms',
    '· | memory growth | 12 MB/h | watched only',
  ]);
});

test('what has measured nothing yet shares one row', () => {
  const quiet = (guard: string) => finding(guard, 'alarm', 'not-enough-evidence', NOT_MEASURED);
  assert.deepEqual(
    lines(quiet('cpu'), finding('metric x', 'gate', 'not-enough-evidence', 'no value yet'), quiet('memory')),
    ['· | metric x | no value yet', '· | cpu, memory | nothing measured yet'],
  );
  assert.deepEqual(lines(), []);
});

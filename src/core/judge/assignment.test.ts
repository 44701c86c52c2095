/** Hunts a split that was not applied and is not noticed, and one that was and is doubted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evidenceOfMismatch } from './assignment.ts';

const NEEDED = Math.log(100);

test('a weight that was never applied is found within a few hundred requests', () => {
  assert.ok(evidenceOfMismatch([{ share: 0.1, candidate: 0, stable: 300 }]) >= NEEDED);
  assert.ok(evidenceOfMismatch([{ share: 0.05, candidate: 60, stable: 240 }]) >= NEEDED);
});

test('a split that is kept exactly, or by chance, is not doubted', () => {
  assert.ok(evidenceOfMismatch([{ share: 0.1, candidate: 1_000_000, stable: 9_000_000 }]) < 0);
  assert.ok(evidenceOfMismatch([{ share: 0.1, candidate: 1090, stable: 8910 }]) < NEEDED, 'three sigma');
  assert.equal(evidenceOfMismatch([]), 0);
});

test('stages add up: what is wrong in one is found whatever the others say', () => {
  const wrong = { share: 0.5, candidate: 0, stable: 200 };
  assert.ok(evidenceOfMismatch([{ share: 0.1, candidate: 100, stable: 900 }, wrong]) >= NEEDED);
});

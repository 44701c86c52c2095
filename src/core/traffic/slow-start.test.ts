/** Hunts a warm-up that starves a new instance, or that never ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { leastLoadedWarm, warmth } from './slow-start.ts';

test('from a tenth evenly to everything', () => {
  assert.deepEqual(
    [-5, 0, 500, 1_000, 2_000].map((ageMs) => warmth(ageMs, 1_000)),
    [0.1, 0.1, 0.55, 1, 1],
  );
  assert.equal(warmth(0, 0), 1);
});

interface Candidate {
  readonly warm: number;
  readonly load: number;
  parts: number;
  got: number;
}

function pick(candidates: readonly Candidate[], turn: number): Candidate | undefined {
  const takesPart = (candidate: Candidate, part: number) => {
    candidate.parts += part;
    if (candidate.parts < 1) return false;
    candidate.parts -= 1;
    return true;
  };
  return leastLoadedWarm(
    candidates,
    { loadOf: ({ load }) => load, warmthOf: ({ warm }) => warm, takesPart },
    turn,
  );
}

const candidate = (warm: number, load = 0): Candidate => ({ warm, load, parts: 0, got: 0 });

test('a cold one among warm ones gets its part of what it would get', () => {
  const all = [candidate(1), candidate(1), candidate(0.25)];
  for (let turn = 0; turn < 300; turn += 1) {
    const picked = pick(all, turn);
    if (picked) picked.got += 1;
  }
  assert.equal(all[2]?.got, 25);
});

test('somebody is found whenever somebody may be, and those who are all as cold share alike', () => {
  const some = fc.record({ warm: fc.constantFrom(0.1, 0.4, 1), load: fc.constantFrom(0, 1, Infinity) });
  fc.assert(
    fc.property(fc.array(some, { minLength: 1, maxLength: 6 }), fc.nat(), (specs, turn) => {
      const all = specs.map(({ warm, load }) => candidate(warm, load));
      const found = pick(all, turn);
      assert.equal(
        found !== undefined,
        specs.some(({ load }) => load < Infinity),
      );
      assert.notEqual(found?.load, Infinity);
    }),
  );
  const cold = [candidate(0.1), candidate(0.1)];
  const picked = [0, 1, 2, 3].map((turn) => cold.indexOf(pick(cold, turn) ?? assert.fail()));
  assert.deepEqual(picked, [0, 1, 0, 1]);
});

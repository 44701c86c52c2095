/** Hunts an act out of turn: a contract past an earlier change, a way back under a later one, a backfill of nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SegueError } from '../errors.ts';
import { type Act, mustBeAllowed, type Phase } from './phase.ts';

const refused = (act: Act, name: string, phases: readonly Phase[]): string | null => {
  const all = phases.map((phase, index) => ({ name: `000${index + 1}`, phase }));
  try {
    mustBeAllowed(act, name, all);
    return null;
  } catch (error) {
    assert.ok(error instanceof SegueError && error.code === 'CHANGE_ORDER');
    return error.detail;
  }
};

test('each act has its phases', () => {
  const allowed: readonly (readonly [Act, readonly Phase[]])[] = [
    ['expand', ['new', 'expanding', 'expanded', 'ready', 'reverted']],
    ['backfill', ['expanded', 'ready']],
    ['contract', ['ready', 'contracting', 'contracted', 'finished']],
    ['revert', ['expanding', 'expanded', 'ready', 'contracting', 'contracted', 'reverting', 'reverted']],
  ];
  const every: readonly Phase[] = [
    ...(['new', 'expanding', 'expanded', 'ready', 'contracting'] as const),
    ...(['contracted', 'finished', 'reverting', 'reverted', 'adopted'] as const),
  ];
  for (const [act, phases] of allowed)
    for (const phase of every)
      assert.equal(refused(act, '0001', [phase]) === null, phases.includes(phase), `${act} of ${phase}`);
});

test('changes pile up forwards, contract in order, and go back in the opposite order', () => {
  assert.equal(refused('expand', '0002', ['ready', 'new']), null);
  assert.equal(refused('expand', '0002', ['new', 'new']), '0001 is new and comes first.');
  assert.equal(refused('contract', '0002', ['ready', 'ready']), '0001 is ready and comes first.');
  assert.equal(refused('contract', '0002', ['adopted', 'ready']), null);
  assert.equal(refused('contract', '0002', ['contracted', 'ready']), null);
  assert.equal(
    refused('revert', '0001', ['ready', 'ready']),
    '0002 is ready and comes after it and has to go back first.',
  );
  assert.equal(refused('revert', '0001', ['ready', 'reverted']), null);
});

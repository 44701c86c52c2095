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
    ['restore', ['ready', 'contracting', 'contracted', 'restoring']],
    [
      'revert',
      [
        ...(['expanding', 'expanded', 'ready', 'contracting', 'contracted'] as const),
        ...(['restoring', 'reverting', 'reverted'] as const),
      ],
    ],
  ];
  const every: readonly Phase[] = [
    ...(['new', 'expanding', 'expanded', 'ready', 'contracting'] as const),
    ...(['contracted', 'restoring', 'finished', 'reverting', 'reverted', 'adopted'] as const),
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

test('a contract that is being taken back keeps later ones waiting, and is taken back after those above it', () => {
  assert.equal(refused('contract', '0002', ['restoring', 'ready']), '0001 is restoring and comes first.');
  assert.equal(refused('expand', '0002', ['restoring', 'new']), null);
  assert.equal(refused('restore', '0001', ['contracted', 'ready']), null);
  for (const above of ['contracting', 'contracted', 'restoring', 'finished'] as const)
    assert.match(refused('restore', '0001', ['contracted', above]) ?? '', /has to go back first/);
});

test('what is partly dropped goes no way back: the new columns are all that is left', () => {
  const all = [{ name: '0001', phase: 'contracted', dropping: true } as const];
  for (const act of ['restore', 'revert'] as const)
    assert.throws(() => mustBeAllowed(act, '0001', all), { code: 'CHANGE_ORDER', message: /contract 0001/ });
  mustBeAllowed('contract', '0001', all);
});

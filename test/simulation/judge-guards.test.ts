/**
 * Hunts a false-alarm budget that is spent more than once: each guard may keep its own promise while all of them
 * together, or all the controls that a release has had, break the release's. `npm run bench:judge` has the same with
 * ten thousand releases.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alarmOf } from '../../bench/judge/guarded.ts';
import { Chance } from '../support/chance.ts';

const FALSE_ALARMS = 0.1;
const PATHS = 300;

test('every guard at once, with controls that are killed: no more healthy releases go back than were allowed', () => {
  const alarms = new Map<string, number>();
  for (let seed = 1; seed <= PATHS; seed += 1) {
    const guard = alarmOf(new Chance(seed * 7907), FALSE_ALARMS);
    if (guard !== null) alarms.set(guard, (alarms.get(guard) ?? 0) + 1);
  }
  const all = [...alarms.values()].reduce((sum, count) => sum + count, 0);
  const said = JSON.stringify([...alarms]);
  assert.ok(all <= PATHS * FALSE_ALARMS + 3 * Math.sqrt(PATHS * FALSE_ALARMS), `${all} of ${PATHS}: ${said}`);
  assert.ok(alarms.size > 0, 'guards that never speak prove nothing here');
});

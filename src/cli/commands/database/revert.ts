import { SegueError } from '../../../core/errors.ts';
import { CHANGE, chooseChange, LOCKS, PLACE, withDatabase } from '../../database-session.ts';
import { releasingControl } from '../../releasing-control.ts';
import { sayPhase } from '../../render/database-end.ts';
import type { Verb } from '../../verb.ts';

export const revert: Verb = {
  name: 'revert',
  summary: 'take a change back; what old and new code wrote stays in the old columns',
  arguments: [
    { ...CHANGE, summary: 'name or number of the change (default: the last one that is under way)' },
  ],
  options: [
    {
      flag: 'contract',
      value: null,
      summary: 'only its contract, while what it replaced is kept: old and new code can run again',
    },
    { flag: 'drop-data', value: null, summary: 'even where something has no place in the old schema' },
    ...PLACE,
    ...LOCKS,
  ],
  examples: [
    'segue database revert',
    'segue database revert 0007 --drop-data',
    'segue database revert 0007 --contract',
  ],
  async run(input, shell) {
    const releasing = await releasingControl(input, shell);
    return withDatabase(input, shell, async (session) => {
      const { runner, changes, watch } = session;
      const phases = new Set([
        'expanding',
        'expanded',
        'ready',
        'contracting',
        'contracted',
        'restoring',
        'reverting',
      ] as const);
      const closed = new Set(['contracting', 'contracted', 'restoring'] as const);
      const name = await chooseChange(
        input,
        session,
        input.has('contract')
          ? { phases: closed, last: true, what: 'is contracted and kept' }
          : { phases, last: true, what: 'is under way' },
      );
      if (input.has('contract')) {
        await runner.restore(changes, name, watch);
        return sayPhase(input, shell, name, 'ready', null);
      }
      const used = releasing?.database.changes.find((each) => each.name === name)?.usedBy ?? [];
      if (used.length > 0) throw new SegueError('CHANGE_IN_USE', `${name}: ${used.join('; ')}.`);
      await runner.revert(changes, name, { dropData: input.has('drop-data') }, watch);
      return sayPhase(input, shell, name, 'reverted', null);
    });
  },
};

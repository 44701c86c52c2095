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
    { flag: 'drop-data', value: null, summary: 'even where something has no place in the old schema' },
    ...PLACE,
    ...LOCKS,
  ],
  examples: ['segue database revert', 'segue database revert 0007 --drop-data'],
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
        'reverting',
      ] as const);
      const name = await chooseChange(input, session, { phases, last: true, what: 'is under way' });
      const used = releasing?.database.changes.find((each) => each.name === name)?.usedBy ?? [];
      if (used.length > 0) throw new SegueError('CHANGE_IN_USE', `${name}: ${used.join('; ')}.`);
      await runner.revert(changes, name, { dropData: input.has('drop-data') }, watch);
      return sayPhase(input, shell, name, 'reverted', null);
    });
  },
};

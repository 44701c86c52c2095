import { CHANGE, chooseChange, PLACE, withDatabase } from '../../database-session.ts';
import { renderDatabasePlan } from '../../render/database.ts';
import type { Verb } from '../../verb.ts';
import { SegueError } from '../../../core/errors.ts';

export const plan: Verb = {
  name: 'plan',
  summary: 'show every statement of a change, phase by phase, and the way back',
  arguments: [CHANGE],
  options: PLACE,
  examples: ['segue database plan', 'segue database plan 0007'],
  async run(input, shell) {
    return withDatabase(input, shell, async (session) => {
      const name = await chooseChange(input, session, {
        phases: new Set(['new', 'reverted']),
        what: 'is new',
      });
      const change = session.changes.find((each) => each.name === name);
      if (!change) throw new SegueError('CHANGE_UNKNOWN', `The folder of ${name} is gone.`);
      const steps = await session.runner.plan(change);
      const { changes } = await session.runner.status(session.changes, { drift: false });
      const edited = changes.some((state) => state.name === name && state.edited);
      if (input.json) shell.screen.json({ change: name, edited, steps });
      else shell.screen.print(renderDatabasePlan({ name, edited, steps }, shell.screen.paint));
      return 0;
    });
  },
};

import { PLACE, withDatabase } from '../../database-session.ts';
import { renderDatabaseStatus } from '../../render/database.ts';
import type { Verb } from '../../verb.ts';

export const status: Verb = {
  name: 'status',
  summary: 'show where each change is, and what was changed past Segue',
  options: PLACE,
  examples: ['segue database status', 'segue database status --json'],
  async run(input, shell) {
    return withDatabase(input, shell, async ({ runner, changes }) => {
      const found = await runner.status(changes);
      if (input.json) shell.screen.json(found);
      else shell.screen.print(renderDatabaseStatus(found, shell.time.nowMs(), shell.screen.paint));
      return 0;
    });
  },
};

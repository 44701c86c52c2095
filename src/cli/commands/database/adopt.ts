import { SegueError } from '../../../core/errors.ts';
import { matching, PLACE, withDatabase } from '../../database-session.ts';
import type { Verb } from '../../verb.ts';

export const adopt: Verb = {
  name: 'adopt',
  summary: 'take a database as it is, also after somebody changed it past Segue',
  arguments: [
    {
      name: 'change',
      required: false,
      summary: 'changes that were made to it already, without Segue',
      many: true,
    },
  ],
  options: [{ flag: 'all', value: null, summary: 'every change of the folder was made already' }, ...PLACE],
  examples: ['segue database adopt', 'segue database adopt 0001 0002'],
  async run(input, shell) {
    return withDatabase(input, shell, async ({ runner, changes }) => {
      const names = changes.map(({ name }) => name);
      const words = input.words('change');
      if (input.has('all') && words.length > 0)
        throw new SegueError('USAGE', '--all is for every change: name none.');
      const made = new Set(input.has('all') ? names : words.map((word) => matching(word, names)));
      await runner.adopt(changes.filter(({ name }) => made.has(name)));
      if (input.json) shell.screen.json({ adopted: [...made] });
      else
        shell.screen.print([
          `${shell.screen.paint('green', 'adopted')}: the schema is known as it is now`,
          ...[...made].map((name) => `${name} counts as made`),
        ]);
      return 0;
    });
  },
};

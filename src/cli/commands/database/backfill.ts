import { SegueError } from '../../../core/errors.ts';
import { CHANGE, chooseChange, LOCKS, PLACE, withDatabase } from '../../database-session.ts';
import { sayPhase } from '../../render/database-end.ts';
import type { Verb } from '../../verb.ts';

const ORDERS = ['pause', 'resume', 'cancel'] as const;

export const backfill: Verb = {
  name: 'backfill',
  summary: 'bring the rows that were there up to date, in batches; Ctrl-C stops it, the next run goes on',
  arguments: [CHANGE],
  options: [
    { flag: 'pause', value: null, summary: 'tell the backfill that runs to stand still' },
    { flag: 'resume', value: null, summary: 'tell it to go on' },
    { flag: 'cancel', value: null, summary: 'tell it to end; it can be run again' },
    ...PLACE,
    ...LOCKS,
  ],
  examples: ['segue database backfill', 'segue database backfill 0007 --pause'],
  async run(input, shell) {
    return withDatabase(input, shell, async (session) => {
      const { runner, changes, watch } = session;
      const name = await chooseChange(input, session, { phases: new Set(['expanded']), what: 'is expanded' });
      const orders = ORDERS.filter((order) => input.has(order));
      const [order, ...more] = orders;
      if (more.length > 0) throw new SegueError('USAGE', 'One of --pause, --resume and --cancel at a time.');
      if (order !== undefined) {
        await runner.order(name, order);
        if (input.json) shell.screen.json({ change: name, order });
        else shell.screen.print([`${name}: told to ${order}`]);
        return 0;
      }
      await runner.backfill(changes, name, watch);
      return sayPhase(
        input,
        shell,
        name,
        'ready',
        `release the new code, then segue database contract ${name}`,
      );
    });
  },
};

import { SegueError } from '../../../core/errors.ts';
import {
  CHANGE,
  chooseChange,
  LOCKS,
  matching,
  phaseOf,
  PLACE,
  withDatabase,
} from '../../database-session.ts';
import type { Input } from '../../input.ts';
import { sayPhase } from '../../render/database-end.ts';
import { releasingControl, type Releasing } from '../../releasing-control.ts';
import type { Shell } from '../../shell.ts';
import { REASON, type Verb } from '../../verb.ts';

export const contract: Verb = {
  name: 'contract',
  summary:
    'when no old code runs any more: add its rules, and drop what it replaced once that was kept long enough',
  arguments: [CHANGE],
  options: [
    { flag: 'now', value: null, summary: 'drop it now; there is no way back from there' },
    REASON,
    ...PLACE,
    ...LOCKS,
  ],
  examples: ['segue database contract 0007', 'segue database contract 0007 --now'],
  async run(input, shell) {
    const releasing = await releasingControl(input, shell);
    if (releasing) return askControl(input, shell, releasing);
    return withDatabase(input, shell, async (session) => {
      const { runner, changes, watch } = session;
      const phases = new Set(['ready', 'contracting', 'contracted'] as const);
      // What is kept can wait; to drop it now goes in its order.
      const rather = new Set(input.has('now') ? [] : (['ready', 'contracting'] as const));
      const name = await chooseChange(input, session, { phases, rather, what: 'is ready' });
      await runner.contract(changes, name, { now: input.has('now') }, watch);
      const phase = await phaseOf(session, name);
      const next =
        phase === 'finished' ? null : 'segue database status says how long what it replaced is kept';
      return sayPhase(input, shell, name, phase, next);
    });
  },
};

/** It knows what still needs the old schema (R6), and refuses with the whole list. */
async function askControl(input: Input, shell: Shell, { client, by, database }: Releasing): Promise<number> {
  const named = input.argument('change');
  const names = database.changes.map(({ name }) => name);
  const [next] = database.changes.filter(({ reach }) => reach === 'filled' || reach === 'contracted');
  const change = named === null ? next?.name : matching(named, names);
  if (change === undefined) throw new SegueError('CHANGE_NONE', 'None is ready.');
  const request = { change, now: input.has('now'), by, reason: input.value('reason') ?? '' };
  const { changes } = await client.contract(request);
  const reach = changes.find(({ name }) => name === change)?.reach ?? 'finished';
  const kept = reach === 'contracted' ? 'segue status says how long what it replaced is kept' : null;
  return sayPhase(input, shell, change, reach, kept);
}

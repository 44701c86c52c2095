import { CHANGE, chooseChange, LOCKS, PLACE, withDatabase } from '../../database-session.ts';
import { sayPhase } from '../../render/database-end.ts';
import type { Verb } from '../../verb.ts';

export const contract: Verb = {
  name: 'contract',
  summary:
    'when no old code runs any more: add its rules, and drop what it replaced once that was kept long enough',
  arguments: [CHANGE],
  options: [
    { flag: 'now', value: null, summary: 'drop it now; there is no way back from there' },
    ...PLACE,
    ...LOCKS,
  ],
  examples: ['segue database contract 0007', 'segue database contract 0007 --now'],
  async run(input, shell) {
    return withDatabase(input, shell, async (session) => {
      const { runner, changes, watch } = session;
      const phases = new Set(['ready', 'contracting', 'contracted'] as const);
      const name = await chooseChange(input, session, { phases, what: 'is ready' });
      await runner.contract(changes, name, { now: input.has('now') }, watch);
      const { changes: states } = await runner.status(changes);
      const phase = states.find((each) => each.name === name)?.phase ?? 'contracted';
      const next =
        phase === 'finished' ? null : 'segue database status says how long what it replaced is kept';
      return sayPhase(input, shell, name, phase, next);
    });
  },
};

import { CHANGE, chooseChange, LOCKS, phaseOf, PLACE, withDatabase } from '../../database-session.ts';
import { sayPhase } from '../../render/database-end.ts';
import type { Verb } from '../../verb.ts';

export const expand: Verb = {
  name: 'expand',
  summary: 'make what the new code needs, beside what the old code uses',
  arguments: [CHANGE],
  options: [...PLACE, ...LOCKS],
  examples: ['segue database expand', 'segue database expand 0007 --lock-timeout 200ms'],
  async run(input, shell) {
    return withDatabase(input, shell, async (session) => {
      const { runner, changes, watch } = session;
      const phases = new Set(['new', 'reverted', 'expanding'] as const);
      const name = await chooseChange(input, session, { phases, what: 'is new' });
      await runner.expand(changes, name, watch);
      const phase = await phaseOf(session, name);
      const next = phase === 'ready' ? 'contract' : 'backfill';
      return sayPhase(input, shell, name, phase, `segue database ${next} ${name}`);
    });
  },
};

/** The table of strategies: a new one is a file here and a line below. */
import type { StrategyChoice } from '../project.ts';
import { ab } from './ab.ts';
import { blueGreen } from './blue-green.ts';
import { canary } from './canary.ts';
import { handover } from './handover.ts';
import { rolling } from './rolling.ts';
import type { Strategy } from './strategy.ts';
import { workers } from './workers.ts';

export function strategyOf(choice: StrategyChoice): Strategy {
  switch (choice.type) {
    case 'rolling':
      return rolling(choice);
    case 'blue-green':
      return blueGreen(choice);
    case 'canary':
      return canary(choice);
    case 'handover':
      return handover(choice);
    case 'ab':
      return ab(choice);
  }
}

/**
 * A rollback after the end of a release: the old version is started whole, then one routing. It does not
 * wait for batches, because somebody is waiting for it.
 */
export const returnStrategy: Strategy = blueGreen({ type: 'blue-green', preview: null, bakeMs: 0 });

/** Of workers. `alone`: two versions must not run at once (R10), whatever the new one's own strategy is. */
export function workerStrategy(
  choice: StrategyChoice,
  kind: 'deploy' | 'rollback',
  alone: boolean,
): Strategy {
  const bakeMs = kind === 'rollback' ? 0 : choice.bakeMs;
  if (alone) return workers({ type: 'handover', withinMs: null, bakeMs });
  return workers(kind === 'rollback' ? { type: 'blue-green', preview: null, bakeMs } : choice);
}

/** Where two versions must not run at once (R10), whatever the new one's own strategy is. */
export function aloneStrategy(choice: StrategyChoice, kind: 'deploy' | 'rollback'): Strategy {
  const { withinMs, bakeMs } = choice.type === 'handover' ? choice : { withinMs: null, bakeMs: 0 };
  const flags = kind === 'rollback' ? [] : (choice.flags ?? []);
  return handover({ type: 'handover', withinMs, bakeMs: kind === 'rollback' ? 0 : bakeMs, flags });
}

/** The table of step kinds: a new one is a file here, a line below, and its shape in core/release/step.ts. */
import { SegueError } from '../../core/errors.ts';
import type { Step } from '../../core/release/step.ts';
import { after } from './after.ts';
import { backfill, contract, expand, restore, takeBack } from './database.ts';
import { drain } from './drain.ts';
import { lower, raise } from './flag.ts';
import { gate } from './gate.ts';
import type { StepContext } from './handler.ts';
import { judge } from './judge.ts';
import { ready } from './ready.ts';
import { route } from './route.ts';
import { smoke } from './smoke.ts';
import { start } from './start.ts';
import { stop } from './stop.ts';
import { together } from './together.ts';
import { watch } from './watch.ts';

export function applyStep(step: Step, context: StepContext): Promise<string> {
  switch (step.kind) {
    case 'start':
      return start(step, context);
    case 'ready':
      return ready(step, context);
    case 'smoke':
      return smoke(step, context);
    case 'route':
      return route(step, context);
    case 'drain':
      return drain(step, context);
    case 'preview':
    case 'hold':
    case 'approve':
    case 'bake':
      return gate(step.instances, context, (inside) => watch(step, inside));
    case 'judge':
      return gate(step.instances, context, (inside) => judge(step, inside));
    case 'promote':
      // Written with its result, so that nothing comes between the two.
      return Promise.resolve('');
    case 'after':
      return after(step, context);
    case 'together':
      return together(step, context);
    case 'stop':
      return stop(step, context);
    case 'expand':
      return expand(step, context);
    case 'backfill':
      return backfill(step, context);
    case 'restore':
      return restore(step, context);
    case 'revert':
      return takeBack(step, context);
    case 'contract':
      return contract(step, context);
    case 'flag':
      return raise(step, context);
    case 'lower':
      return lower(step, context);
    case 'share':
      return Promise.reject(new SegueError('PLAN_UNSAFE', 'flags are rolled out by releases of their own'));
  }
}

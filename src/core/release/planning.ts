import { SegueError } from '../errors.ts';
import { returnStrategy, strategyOf } from '../strategy/index.ts';
import type { StrategyRequest } from '../strategy/strategy.ts';
import { certify } from './certificate.ts';
import { isServed } from './facts.ts';
import type { Plan } from './plan.ts';
import { checkStages } from './stages.ts';
import { verifyPlan } from './verify.ts';

export interface PlanRequest extends StrategyRequest {
  readonly kind: 'deploy' | 'rollback';
  /** What would make going back fail, found by looking (files, old configuration). */
  readonly problems: readonly string[];
}

/** The whole plan with its certificate; throws PLAN_UNSAFE rather than return one that breaks R1-R4. */
export function makePlan(request: PlanRequest): Plan {
  const { facts, release, service, to, kind, problems } = request;
  const strategy = kind === 'rollback' ? returnStrategy : strategyOf(service.strategy);
  const steps = strategy(request);
  const stages = kind === 'deploy' && service.strategy.type === 'canary' ? service.strategy.stages : null;
  const violations = [
    ...verifyPlan(facts, steps, release),
    ...(stages && isServed(facts) ? checkStages({ facts, steps, stages, wanted: service.instances }) : []),
  ];
  if (violations.length > 0) {
    const list = violations.map((v) => `step ${v.step + 1} breaks ${v.invariant}: ${v.detail}`);
    throw new SegueError('PLAN_UNSAFE', list.join('; '));
  }
  return {
    release,
    service: service.name,
    strategy: kind === 'rollback' ? 'rollback' : service.strategy.type,
    from: facts.stable,
    to,
    steps,
    certificate: certify(facts, steps, release, problems),
  };
}

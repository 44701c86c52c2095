import { SegueError } from '../errors.ts';
import { aloneStrategy, returnStrategy, strategyOf, workerStrategy } from '../strategy/index.ts';
import type { Strategy, StrategyRequest } from '../strategy/strategy.ts';
import { type Certificate, certify } from './certificate.ts';
import { formatDurationMs } from '../units.ts';
import type { Facts } from './facts.ts';
import { checkFlags, withFlagsLowered } from './flag-plan.ts';
import { joined, type Joining } from './group.ts';
import type { Plan } from './plan.ts';
import {
  afterSchema,
  contractsFor,
  pendingFor,
  refOf,
  type SchemaChange,
  withRestored,
  withSchema,
} from './schema.ts';
import { checkStages } from './stages.ts';
import type { Step } from './step.ts';
import { verifyPlan } from './verify.ts';

export interface PlanRequest extends StrategyRequest {
  readonly kind: 'deploy' | 'rollback';
  /** What would make going back fail, found by looking (files, old configuration). */
  readonly problems: readonly string[];
  /** The other services of the same release. */
  readonly joining?: Joining;
}

const ALONE: Joining = { after: [], others: [] };

/** The whole plan with its certificate; throws PLAN_UNSAFE rather than return one that breaks a promise. */
export function makePlan(request: PlanRequest): Plan {
  const { facts, release, service, to, kind, problems } = request;
  const joining = request.joining ?? ALONE;
  const { steps: own, later } = released(request, joining);
  const steps = joined(own, to, joining);
  const violations = [
    ...verifyPlan(facts, [...steps, ...later], release),
    ...(kind === 'deploy' && facts.alone === null ? checkStages(facts, steps, service) : []),
  ];
  if (violations.length > 0) {
    const list = violations.map((v) => `step ${v.step + 1} breaks ${v.invariant}: ${v.detail}`);
    throw new SegueError('PLAN_UNSAFE', list.join('; '));
  }
  checkFlags(facts, steps, to);
  return {
    release,
    service: service.name,
    strategy: kind === 'rollback' ? 'rollback' : facts.alone ? 'handover' : service.strategy.type,
    from: facts.stable,
    to,
    steps,
    ...(later.length > 0 ? { later } : {}),
    certificate: {
      ...certify(facts, steps, release, [...problems, ...shortHolds(facts, steps)]),
      ...endsOf(contractsOf(request)),
    },
  };
}

/** The strategy's steps with those of the database (R6), and what comes after the release. */
function released(request: PlanRequest, { bringer = null, brings = [] }: Joining) {
  const { facts, to } = request;
  const asked = withFlagsLowered(strategyFor(request)(request), facts, to);
  if (!facts.schema) return { steps: asked, later: [] };
  const steps = withRestored(asked, facts.schema, to);
  if (bringer !== null) return { steps: afterSchema(steps, bringer), later: [] };
  const names = new Set([...pendingFor(facts.schema, to), ...brings].map(({ name }) => name));
  const pending = facts.schema.changes.filter(({ name }) => names.has(name));
  const later = contractsOf(request).map((change): Step => ({ kind: 'contract', change: refOf(change) }));
  return { steps: withSchema(steps, pending, facts.worker !== undefined), later };
}

function endsOf(contracts: readonly SchemaChange[]): Pick<Certificate, 'contracts'> {
  const ends = contracts.map(({ name, keepMs, comesBack }) => ({
    ...{ name, keepMs },
    ...(comesBack ? { comesBack } : {}),
  }));
  return ends.length > 0 ? { contracts: ends } : {};
}

/** A version that goes back, or stops by its plan, takes nothing away from the one before. */
function contractsOf({ kind, facts, to, service }: PlanRequest): SchemaChange[] {
  const stays = kind === 'deploy' && !(service.strategy.type === 'ab' && service.strategy.end === 'stop');
  return facts.schema && stays ? contractsFor(facts.schema, to) : [];
}

/** R10 goes before what the file says of the new version: the old one may not bear company either. */
function strategyFor({ kind, facts, service }: PlanRequest): Strategy {
  if (facts.worker) return workerStrategy(service.strategy, kind, facts.alone !== null);
  if (facts.alone) return aloneStrategy(service.strategy, kind);
  return kind === 'rollback' ? returnStrategy : strategyOf(service.strategy);
}

/** Said before anything is done: those who wait may not have the time for the way back. */
function shortHolds({ stable, alone }: Facts, steps: readonly Step[]): string[] {
  const [wait] = steps.flatMap((step) => (step.kind === 'route' ? (step.holdMs ?? []) : []));
  if (wait === undefined || !alone?.readyMs || wait + alone.readyMs < alone.holdMs) return [];
  const [took, hold] = [formatDurationMs(alone.readyMs), formatDurationMs(alone.holdMs)];
  return [
    `${stable} took ${took} to get ready before: if it has to come back, requests may wait for longer than they may (traffic.hold: ${hold})`,
  ];
}

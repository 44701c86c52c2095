/**
 * Holds a plan to R1-R4, R6 and R10 before it runs, whatever strategy made it; workers have rules of their own in
 * `verify-workers.ts`. The engine refuses a plan with violations
 * (PLAN_UNSAFE); the property tests run it over random services, strategies and points of failure.
 */
import { groupOf, type Rotation, routedTo } from '../traffic/rotation.ts';
import { planBack } from './back.ts';
import { percentBorneBy } from './capacity.ts';
import type { Facts } from './facts.ts';
import { knows, type Reach } from './schema.ts';
import { factsOf, simulate, type Simulation, simulationOf } from './simulation.ts';
import type { Step } from './step.ts';
import { checkWayBack, checkWorkers } from './verify-workers.ts';

export interface Violation {
  readonly invariant: 'R1' | 'R2' | 'R3' | 'R4' | 'R6' | 'R10';
  /** Counted from 0. */
  readonly step: number;
  readonly detail: string;
}

export function verifyPlan(facts: Facts, steps: readonly Step[], release: string): Violation[] {
  const violations = verifySteps(facts, steps);
  let simulation = simulationOf(facts);
  for (const [index, step] of steps.entries()) {
    simulation = simulate(simulation, step);
    if (simulation.stable !== facts.stable) break;
    if (facts.worker) {
      const found = checkWayBack(simulation, facts, release);
      for (const violation of found) violations.push({ ...violation, step: index });
      continue;
    }
    const now = factsOf(simulation, facts);
    const wayBack = (urgent: boolean) => planBack({ facts: now, release, urgent });
    const detail =
      firstRoutingLeaves(simulation, wayBack(true)) ?? firstRoutingKeeps(simulation, now, wayBack(false));
    if (detail) violations.push({ invariant: 'R4', step: index, detail });
  }
  return violations;
}

/** R1-R3, R6 and R10: what holds for a way back, too. */
export function verifySteps(facts: Facts, steps: readonly Step[]): Violation[] {
  const violations: Violation[] = [];
  const smokes = steps.some((step) => step.kind === 'smoke' && step.when !== 'after');
  let simulation = simulationOf(facts);
  for (const [index, step] of steps.entries()) {
    const found = [
      ...checkStart(simulation, step, facts),
      ...(facts.worker
        ? checkWorkers(simulation, step, { facts, worker: facts.worker, smokes })
        : [...checkRoute(simulation, step, facts, smokes), ...checkStop(simulation, step)]),
      ...checkSchema(simulation, step, facts),
      ...checkContract(simulation, step, steps.slice(index + 1), facts),
    ];
    for (const violation of found) violations.push({ ...violation, step: index });
    simulation = simulate(simulation, step);
  }
  const last = steps.findLastIndex((step) => step.kind === 'route');
  const step = steps[last];
  if (facts.stable !== null && step?.kind === 'route' && step.holdMs !== undefined)
    violations.push({ invariant: 'R1', step: last, detail: 'requests wait, and nothing lets them go' });
  return violations;
}

type Found = Omit<Violation, 'step'>;

function checkRoute(now: Simulation, step: Step, facts: Facts, smokes: boolean): Found[] {
  if (step.kind !== 'route') return [];
  const found: Found[] = [];
  const serves = (ids: readonly string[]) => ids.some((id) => now.instances.get(id)?.ready);
  const holds = facts.alone !== null && step.holdMs !== undefined;
  // Where nothing was ready before, requests are held already and cannot be worse off; and the first release
  // of a service has nothing to go back to.
  if (facts.stable !== null && !holds && serves(now.rotation.instances) && !serves(step.rotation.instances))
    found.push({ invariant: 'R1', detail: 'a routing without a ready instance' });
  for (const id of routedTo(step.rotation)) {
    const instance = now.instances.get(id);
    if (!instance) found.push({ invariant: 'R1', detail: `${id} does not run` });
    else if (instance.version !== now.stable && !instance.ready)
      found.push({ invariant: 'R3', detail: `${id} gets traffic before it is ready` });
  }
  if (!smokes) return found;
  for (const id of trafficOf(step.rotation)) {
    const version = now.instances.get(id)?.version;
    if (version !== undefined && version !== now.stable && !isOld(facts, id) && !now.smoked.has(version))
      found.push({ invariant: 'R3', detail: `${id} gets traffic before its smoke test` });
  }
  return found;
}

/** Those who meet users that did not ask for them, or what users sent: a preview shows what is not tested yet to whoever wants to see it. */
function trafficOf({ instances, split }: Rotation): string[] {
  const gets = split !== null && (split.candidate.percent > 0 || split.shadow !== null);
  const candidates = gets ? split.candidate.instances : [];
  return [...instances, ...candidates, ...(split?.baseline.instances ?? [])];
}

/** R10: nothing of another version is left when one begins. */
function checkStart(now: Simulation, step: Step, { alone }: Facts): Found[] {
  if (step.kind !== 'start' || alone === null) return [];
  const versions = new Set(step.instances.map((i) => i.version));
  const others = [...now.instances].filter(([, { version }]) => !versions.has(version));
  const detail = `${step.instances.map((i) => i.id).join(', ')} would run beside ${others.map(([id]) => id).join(', ')}`;
  return others.length > 0 ? [{ invariant: 'R10', detail }] : [];
}

const FILLED: ReadonlySet<Reach> = new Set(['filled', 'contracted', 'finished'] as const);

const CONTRACTED: ReadonlySet<Reach> = new Set(['contracted', 'finished'] as const);

/** R6: nothing begins on a schema that it cannot use, and no user meets it before its rows are filled. */
function checkSchema(now: Simulation, step: Step, facts: Facts): Found[] {
  const { schema } = facts;
  if (!schema) return [];
  const lacks = (id: string, version: string, is: (reach: Reach) => boolean, what: string): Found[] =>
    [...now.schema]
      .filter(([change, reach]) => knows(schema, version, change) && !is(reach))
      .map(([change]) => ({ invariant: 'R6', detail: `${id} ${what} ${change}` }));
  if (step.kind === 'start')
    return step.instances.flatMap(({ id, version }) => [
      ...(facts.worker
        ? lacks(id, version, (reach) => FILLED.has(reach), 'works before the backfill of')
        : lacks(id, version, (reach) => reach !== 'new', 'begins before the expand of')),
      ...[...now.schema]
        .filter(([change, reach]) => CONTRACTED.has(reach) && !knows(schema, version, change))
        .map(([change]): Found => ({
          invariant: 'R6',
          detail: `${id} begins after the contract of ${change}`,
        })),
    ]);
  if (step.kind !== 'route') return [];
  return trafficOf(step.rotation)
    .filter((id) => !isOld(facts, id))
    .flatMap((id) => {
      const version = now.instances.get(id)?.version;
      const is = (reach: Reach) => FILLED.has(reach);
      return version === undefined ? [] : lacks(id, version, is, 'gets traffic before the backfill of');
    });
}

/** R6: only when nothing that needs the old schema is left, and nothing of the release is undecided. */
function checkContract(now: Simulation, step: Step, later: readonly Step[], { schema }: Facts): Found[] {
  if ((step.kind !== 'contract' && step.kind !== 'revert') || !schema) return [];
  const { name } = step.change;
  const needs = ({ version }: { version: string }) =>
    knows(schema, version, name) === (step.kind === 'revert');
  const left = [...now.instances].filter(([, instance]) => needs(instance)).map(([id]) => id);
  const does = step.kind === 'contract' ? 'contracted' : 'taken back';
  const found: Found[] = left.map((id) => ({ invariant: 'R6', detail: `${name} is ${does} under ${id}` }));
  if (step.kind === 'revert') return found;
  const undecided = later.some(({ kind }) => kind === 'bake' || kind === 'promote');
  const reach = now.schema.get(name);
  return [
    ...found,
    ...(undecided
      ? [{ invariant: 'R6', detail: `${name} is contracted before the promotion` } as const]
      : []),
    ...(reach !== undefined && !FILLED.has(reach)
      ? [{ invariant: 'R6', detail: `${name} is contracted before its backfill` } as const]
      : []),
  ];
}

const isOld = (facts: Facts, id: string) => facts.running.some((i) => i.id === id);

function checkStop(now: Simulation, step: Step): Found[] {
  if (step.kind !== 'stop') return [];
  const found: Found[] = [];
  for (const { id } of step.instances) {
    if (groupOf(now.rotation, id) !== null)
      found.push({ invariant: 'R2', detail: `${id} is stopped while it is routed to` });
    else if (now.instances.get(id)?.drained === false)
      found.push({ invariant: 'R2', detail: `${id} is stopped before it was drained` });
  }
  return found;
}

/** R4: after the first routing of an urgent way back, no candidate is in it. Undefined when it holds. */
function firstRoutingLeaves(now: Simulation, back: readonly Step[]): string | undefined {
  const left = candidatesIn(firstRotation(now, back), now);
  return left.length > 0 ? `after one routing back, ${left.join(', ')} would still have traffic` : undefined;
}

/**
 * R4 where nothing is broken (docs/adr/0004): the same while stable is whole; else the candidate keeps at most what
 * the warm ones of stable cannot bear, and where the instances share alike nothing is asked of stable that it cannot.
 */
function firstRoutingKeeps(now: Simulation, facts: Facts, back: readonly Step[]): string | undefined {
  const rotation = firstRotation(now, back);
  const left = candidatesIn(rotation, now);
  if (left.length === 0 || facts.alone !== null) return undefined;
  const ours = [...now.instances.values()].filter(({ version }) => version === now.stable);
  const warm = ours.filter(({ ready }) => ready).length;
  const borne = percentBorneBy(warm, facts.stableInstances);
  if (warm >= facts.stableInstances) return `stable is whole, but ${left.join(', ')} would keep traffic`;
  const percent = rotation.split?.candidate.percent ?? 0;
  return percent > 100 - borne ? `stable bears ${borne}%, but ${percent}% would stay` : undefined;
}

function firstRotation(now: Simulation, back: readonly Step[]): Rotation {
  const route = back.find((step) => step.kind === 'route');
  return route?.kind === 'route' ? route.rotation : now.rotation;
}

const candidatesIn = (rotation: Rotation, { instances, stable }: Simulation) =>
  routedTo(rotation).filter((id) => instances.has(id) && instances.get(id)?.version !== stable);

/**
 * A plan played through on paper. The certificate and the check of a plan both read from it, so what people
 * are promised and what is enforced come from the same model.
 */
import { groupOf, routedTo, type Rotation } from '../traffic/rotation.ts';
import type { Facts } from './facts.ts';
import { type FlagHeight, flagsAfter } from './flag-facts.ts';
import type { Reach, SchemaChange, SchemaFacts } from './schema.ts';
import type { ChangeRef, Step } from './step.ts';

interface SimulatedInstance {
  readonly version: string;
  readonly ready: boolean;
  /** True once it may be stopped: it never had traffic, or was drained since it last had (R2). */
  readonly drained: boolean;
}

export interface Simulation {
  readonly instances: ReadonlyMap<string, SimulatedInstance>;
  readonly rotation: Rotation;
  readonly stable: string | null;
  readonly smoked: ReadonlySet<string>;
  /** Instances begun so far, those that ended included. */
  readonly started: number;
  readonly schema: ReadonlyMap<string, Reach>;
  readonly flags: ReadonlyMap<string, FlagHeight>;
}

export function simulationOf(facts: Facts): Simulation {
  const inRotation = new Set(routedTo(facts.rotation));
  const instances = facts.running.map(
    ({ id, version, ready }) => [id, { version, ready, drained: !inRotation.has(id) }] as const,
  );
  const { rotation, stable } = facts;
  const schema = new Map(facts.schema?.changes.map(({ name, reach }) => [name, reach]));
  const flags = new Map(facts.flags?.map(({ flag, raised, ours }) => [flag, { raised, ours }]));
  return { instances: new Map(instances), rotation, stable, smoked: new Set(), started: 0, schema, flags };
}

export function simulate(before: Simulation, step: Step): Simulation {
  const instances = new Map(before.instances);
  const change = (id: string, what: Partial<SimulatedInstance>) => {
    const known = instances.get(id);
    if (known) instances.set(id, { ...known, ...what });
  };
  switch (step.kind) {
    case 'start':
      for (const { id, version } of step.instances)
        instances.set(id, { version, ready: false, drained: true });
      return { ...before, instances, started: before.started + step.instances.length };
    case 'ready':
      for (const { id } of step.instances) change(id, { ready: true });
      return { ...before, instances };
    case 'smoke': {
      const smoked = new Set([...before.smoked, ...step.instances.map((i) => i.version)]);
      return step.when === 'after' ? before : { ...before, smoked };
    }
    case 'route':
      for (const id of routedTo(step.rotation)) change(id, { drained: false });
      return { ...before, instances, rotation: step.rotation };
    case 'drain':
      for (const { id } of step.instances)
        if (groupOf(before.rotation, id) === null) change(id, { drained: true });
      return { ...before, instances };
    case 'preview':
    case 'hold':
    case 'approve':
    case 'judge':
    case 'bake':
    case 'together':
    case 'share':
      return before;
    case 'after':
      return step.until === 'schema' ? { ...before, schema: allFilled(before.schema) } : before;
    case 'expand':
      return { ...before, schema: reaching(before.schema, [step.change], 'expanded') };
    case 'backfill':
      return step.until === 'begun'
        ? before
        : { ...before, schema: reaching(before.schema, step.changes.filter(isExpanded(before)), 'filled') };
    case 'contract':
      return { ...before, schema: reaching(before.schema, [step.change], 'contracted') };
    case 'restore':
      return { ...before, schema: reaching(before.schema, [step.change], 'filled') };
    case 'revert':
      return { ...before, schema: reaching(before.schema, [step.change], 'new') };
    case 'flag':
    case 'lower':
      return { ...before, flags: flagsAfter(before.flags, step) };
    case 'promote':
      return { ...before, stable: step.version };
    case 'stop':
      for (const { id } of step.instances) instances.delete(id);
      return { ...before, instances };
  }
}

function reaching(
  schema: Simulation['schema'],
  changes: readonly ChangeRef[],
  reach: Reach,
): Simulation['schema'] {
  return new Map([...schema, ...changes.map(({ name }) => [name, reach] as const)]);
}

const isExpanded =
  ({ schema }: Simulation) =>
  ({ name }: ChangeRef) =>
    schema.get(name) === 'expanded';

function allFilled(schema: Simulation['schema']): Simulation['schema'] {
  const isOpen = (reach: Reach) => reach === 'new' || reach === 'expanded';
  return new Map([...schema].map(([name, reach]) => [name, isOpen(reach) ? 'filled' : reach]));
}

/** The facts that a planner would be given at this point. */
export function factsOf(simulation: Simulation, facts: Facts): Facts {
  const running = [...simulation.instances].map(([id, { version, ready }]) => ({ id, version, ready }));
  return {
    ...facts,
    stable: simulation.stable,
    running,
    rotation: simulation.rotation,
    nextInstance: facts.nextInstance + simulation.started,
    ...(facts.schema ? { schema: { ...facts.schema, changes: reached(facts.schema, simulation) } } : {}),
    ...(facts.flags
      ? { flags: facts.flags.map((each) => ({ ...each, ...simulation.flags.get(each.flag) })) }
      : {}),
  };
}

function reached({ changes }: SchemaFacts, { schema }: Simulation): SchemaChange[] {
  return changes.map((change) => ({ ...change, reach: schema.get(change.name) ?? change.reach }));
}

import type { Traffic, WebService } from '../project.ts';
import type { Rotation, RotationSplit } from './rotation.ts';
import type { Backend, ServiceRouting } from './routing.ts';
import type { Group, Share } from './split.ts';

export interface RoutableInstance extends Backend {
  readonly ready: boolean;
  /** It was started with the public socket, and can accept by itself. */
  readonly direct: boolean;
}

/**
 * What the gateway is told: the instances that a release put into rotation, less those that are not ready
 * now. All of them unready leaves no backend, and requests are held (R1).
 */
export function serviceRouting(
  service: WebService,
  rotation: Rotation,
  instances: ReadonlyMap<string, RoutableInstance>,
): ServiceRouting {
  const { listen, mode, routes, hold, responseMs, policy, tls, protocol, sticky, slowStartMs } =
    service.traffic;
  const backends = (ids: readonly string[]): Backend[] =>
    ids.flatMap((id) => {
      const instance = instances.get(id);
      if (!instance?.ready) return [];
      const { version, host, port } = instance;
      return [{ id, version, host, port }];
    });
  const stable = backends(rotation.instances);
  const candidate = backends(rotation.split?.candidate.instances ?? []);
  const baseline = backends(rotation.split?.baseline.instances ?? []);
  // With nobody ready it gets nothing: its requests go to stable, which is no news for the judge.
  const split = candidate.length > 0 ? rotation.split : null;
  return {
    service: service.name,
    listen,
    // While a service changes its mode, instances of the old kind go on to be served as they were.
    proxied: mode === 'gateway' || rotation.instances.some((id) => isReadyBehindProxy(instances.get(id))),
    routes,
    backends: [...stable, ...candidate, ...(split ? baseline : [])],
    split: split && sharesOf(split, { stable, candidate, baseline }),
    rules: split?.rules ?? [],
    shadow: split?.shadow ?? null,
    sticky,
    flags: null,
    slowStartMs,
    draining: rotation.draining.map((id) => ({ id, ...drainOf(service) })),
    hold,
    responseMs,
    policy,
    tls,
    protocol,
  };
}

/** Where requests wait until an instance is gone, its streams may not keep them waiting: a quarter of the hold. */
export function drainOf({ traffic, strategy }: WebService): Traffic['drain'] {
  const { drain, hold } = traffic;
  if (strategy.type !== 'handover') return drain;
  return { ...drain, streamsMs: Math.min(drain.streamsMs, hold.forMs / 4) };
}

function isReadyBehindProxy(instance: RoutableInstance | undefined): boolean {
  return instance?.ready === true && !instance.direct;
}

/** A baseline of which nobody is ready leaves its share to stable. */
function sharesOf(
  { candidate, baseline }: RotationSplit,
  ready: Readonly<Record<Group, readonly Backend[]>>,
): Share[] {
  const share = (group: Group, percent: number): Share => ({
    ...{ group, percent, version: ready[group][0]?.version ?? '' },
    backends: ready[group].map(({ id }) => id),
  });
  const beside = ready.baseline.length > 0 ? baseline.percent : 0;
  return [
    share('stable', 100 - candidate.percent - beside),
    share('candidate', candidate.percent),
    ...(beside > 0 ? [share('baseline', beside)] : []),
  ];
}

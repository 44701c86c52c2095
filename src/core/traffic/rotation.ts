import type { Service } from '../project.ts';
import type { Backend, Rotation, ServiceRouting } from './routing.ts';
import type { Match, Rule } from './rule.ts';
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
  service: Service,
  rotation: Rotation,
  instances: ReadonlyMap<string, RoutableInstance>,
): ServiceRouting {
  const { listen, mode, routes, drain, hold, responseMs, policy, tls, protocol, sticky, slowStartMs } =
    service.traffic;
  const backends = (ids: readonly string[]): Backend[] =>
    ids.flatMap((id) => {
      const instance = instances.get(id);
      if (!instance?.ready) return [];
      const { version, host, port } = instance;
      return [{ id, version, host, port }];
    });
  const stable = backends(rotation.instances);
  const match = previewOf(service);
  const candidate = match ? backends(rotation.preview) : [];
  const share = (group: Group, percent: number, of: readonly Backend[]): Share => ({
    ...{ group, percent, version: of[0]?.version ?? '' },
    backends: of.map(({ id }) => id),
  });
  const previews = match !== null && candidate.length > 0;
  const split = previews ? [share('stable', 100, stable), share('candidate', 0, candidate)] : null;
  const rules: Rule[] = previews ? [{ match, percent: 100, group: 'candidate' }] : [];
  return {
    service: service.name,
    listen,
    // While a service changes its mode, instances of the old kind go on to be served as they were.
    proxied: mode === 'gateway' || rotation.instances.some((id) => isReadyBehindProxy(instances.get(id))),
    routes,
    backends: [...stable, ...candidate],
    split,
    rules,
    sticky,
    slowStartMs,
    draining: rotation.draining.map((id) => ({ id, ...drain })),
    hold,
    responseMs,
    policy,
    tls,
    protocol,
  };
}

function isReadyBehindProxy(instance: RoutableInstance | undefined): boolean {
  return instance?.ready === true && !instance.direct;
}

/** Which requests meet the candidate before the switch. */
function previewOf({ strategy }: Service): Match | null {
  if (strategy.type !== 'blue-green' || !strategy.preview) return null;
  const { header, value, when } = strategy.preview;
  const byHeader: Match = { type: 'header', name: header, value: { type: 'exact', text: value } };
  return when ? { type: 'any', of: [byHeader, when] } : byHeader;
}

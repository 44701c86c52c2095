import type { Service } from '../project.ts';
import type { Backend, Preview, Rotation, ServiceRouting } from './routing.ts';

export interface RoutableInstance extends Backend {
  readonly ready: boolean;
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
  const { listen, routes, drain, hold, responseMs, policy, tls, protocol } = service.traffic;
  const backends = (ids: readonly string[]): Backend[] =>
    ids.flatMap((id) => {
      const instance = instances.get(id);
      if (!instance?.ready) return [];
      const { version, host, port } = instance;
      return [{ id, version, host, port }];
    });
  return {
    service: service.name,
    listen,
    routes,
    backends: backends(rotation.instances),
    preview: previewOf(service, backends(rotation.preview)),
    split: null,
    rules: [],
    sticky: null,
    slowStartMs: 0,
    draining: rotation.draining.map((id) => ({ id, ...drain })),
    hold,
    responseMs,
    policy,
    tls,
    protocol,
  };
}

function previewOf({ strategy }: Service, backends: readonly Backend[]): Preview | null {
  if (strategy.type !== 'blue-green' || !strategy.preview || backends.length === 0) return null;
  const { header, value } = strategy.preview;
  return { header, value, backends };
}

/** What a service is, web or worker: it stays what it was released as. */
import { SegueError } from '../core/errors.ts';
import { describeListen } from '../core/listen.ts';
import { isWorker, type Project, type Service } from '../core/project.ts';
import type { Ledger } from './ledger.ts';

export function kindOf(service: Service): Service['kind'] {
  return isWorker(service) ? 'worker' : 'web';
}

/** The address as one types it; null: a worker has none. */
export function listenOf(service: Service): string | null {
  if (isWorker(service)) return null;
  const { listen, tls } = service.traffic;
  return describeListen(listen, tls !== null);
}

/** What jobs get whose instance is told to stop; null: it is no worker, or not known. */
export function drainMsOf(service: Service | undefined): number | null {
  return service && isWorker(service) ? service.drainMs : null;
}

/**
 * Throws KIND_CHANGED where a service that runs, or is to be gone back to, is another kind in the file: there is no way
 * from traffic to jobs that both versions could go together.
 */
export function refuseChangedKinds(project: Project, ledger: Ledger): void {
  for (const service of Object.values(project.services)) {
    const { name } = service;
    const running = ledger.instances.filter((instance) => instance.service === name);
    const { stable } = ledger.service(name);
    for (const version of new Set([stable, ...running.map((instance) => instance.version)])) {
      const spec = version === null ? undefined : ledger.version(name, version)?.spec;
      if (spec && kindOf(spec) !== kindOf(service))
        throw new SegueError('KIND_CHANGED', `${name} is ${kindOf(spec)} as ${version} was released.`);
    }
  }
}

import { isWorker, type Service } from '../core/project.ts';
import type { Alone } from '../core/release/facts.ts';
import type { Ledger } from './ledger.ts';

/**
 * R10: null where two versions of the service may run at once. One of those concerned that may not - what runs,
 * what serves, what is to come, what the file says now - is enough.
 */
export function aloneOf(current: Service, versions: Iterable<string>, ledger: Ledger): Alone | null {
  const { name } = current;
  const specs = [...versions].flatMap((version) => ledger.version(name, version)?.spec ?? []);
  if (![current, ...specs].some(({ strategy }) => strategy.type === 'handover')) return null;
  const { stable } = ledger.service(name);
  const took = ledger.instances
    .filter((instance) => instance.service === name && instance.version === stable)
    .flatMap(({ readyAfterMs }) => readyAfterMs ?? []);
  // Jobs wait in their queue for as long as it takes.
  const holdMs = isWorker(current) ? 0 : current.traffic.hold.forMs;
  return { holdMs, readyMs: took.length > 0 ? Math.max(...took) : null };
}

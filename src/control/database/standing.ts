import type { Standing } from '../../core/release/contract.ts';
import { isPromoted } from '../../core/release/state.ts';
import type { TrafficReport } from '../../core/traffic/counts.ts';
import type { Ledger } from '../ledger.ts';

/** What control knows of the versions of those services, now. */
export function standingOf(
  ledger: Ledger,
  report: TrafficReport | null,
  uses: (service: string) => boolean,
): Standing {
  const ours = ({ service }: { readonly service: string }) => uses(service);
  return {
    services: ledger.services.filter(({ name }) => uses(name)),
    releases: ledger.activeReleases.filter(ours).map(({ id, service, from, to, state, plan }) => ({
      ...{ id, service, from, to },
      promoted: isPromoted(state, plan.steps),
    })),
    instances: ledger.instances.filter(ours),
    underWay: (report?.instances ?? [])
      .filter(ours)
      .map(({ instance, service, version, inFlight, streams }) => ({
        ...{ instance, service, version },
        count: inFlight + streams,
      })),
  };
}

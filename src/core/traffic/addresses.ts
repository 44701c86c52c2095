/** Where the gateway itself listens under a routing: for its services, and for the redirect to TLS. */
import { listenKey } from '../listen.ts';
import type { Listen } from '../project.ts';
import type { ServiceRouting } from './routing.ts';
import type { GatewaySettings } from './settings.ts';

type Listening = Pick<ServiceRouting, 'listen' | 'proxied'>;

/** Each address once. */
export function addressesOf(
  services: readonly Listening[],
  { redirect }: Pick<GatewaySettings, 'redirect'>,
): Listen[] {
  const own = services.filter(({ proxied }) => proxied).map(({ listen }) => listen);
  const all = redirect ? [...own, redirect] : own;
  return [...new Map(all.map((listen) => [listenKey(listen), listen])).values()];
}

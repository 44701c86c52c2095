/**
 * The gateways that are compared, one thread each, on the same work: connections kept on both sides, least
 * connections, X-Forwarded-For, -Proto and -Host and Via set, no access log.
 */
import { somePort } from '../../test/contract/some-port.ts';
import { startCaddy } from './caddy.ts';
import { startHaproxy } from './haproxy.ts';
import { startNginx } from './nginx.ts';
import { findProgram, type Program } from './programs.ts';
import type { Place, Rival, RivalName } from './rival.ts';
import { type SegueName, startSegue } from './segue.ts';

const STARTS = { haproxy: startHaproxy, nginx: startNginx, caddy: startCaddy } as const;

/** Adds them to `running` one by one, so that they can be stopped whatever happens; resolves to who is not installed. */
export async function startRivals(
  place: Omit<Place, 'port' | 'tlsPort'>,
  running: Rival[],
  ours: readonly SegueName[],
): Promise<readonly RivalName[]> {
  const somewhere = async () => ({ ...place, port: await somePort(), tlsPort: await somePort() });
  for (const name of ours) running.push(await startSegue(name, await somewhere()));
  const missing: RivalName[] = [];
  for (const name of ['haproxy', 'nginx', 'caddy'] as const) {
    const file = findProgram(name);
    if (file) running.push(await startOther(name, file, await somewhere()));
    else missing.push(name);
  }
  return missing;
}

async function startOther(name: keyof typeof STARTS, file: string, place: Place): Promise<Rival> {
  const program: Program = await STARTS[name](file, place);
  await program.untilItListens(place.port);
  const tlsPort = place.certificate ? place.tlsPort : null;
  return { name, port: place.port, tlsPort, pids: () => program.pids, stop: () => program.stop() };
}

/** Which hosts need a certificate from an authority, and when. */
import { limits } from '../limits.ts';
import type { WebService } from '../project.ts';
import type { CertificateState } from './certificates.ts';

/** An authority that speaks ACME (RFC 8555). */
export interface AcmeChoice {
  /** Told of trouble with certificates; null: nobody is. */
  readonly email: string | null;
  /** URL of its directory. */
  readonly directory: string;
}

/**
 * The hosts that have TLS and are in none of the certificates that are in use. A wildcard cannot be had by
 * answering on port 80, and "every host" has no name.
 */
export function hostsToCertify(
  services: readonly Pick<WebService, 'traffic'>[],
  others: readonly CertificateState[],
): string[] {
  const covered = others.flatMap(({ hosts }) => hosts);
  const wanted = services
    .filter(({ traffic }) => traffic.tls !== null)
    .flatMap(({ traffic }) => traffic.routes.flatMap(({ host }) => host ?? []))
    .filter((host) => !host.startsWith('*.') && !covers(covered, host));
  return [...new Set(wanted)];
}

/** RFC 6125 s. 6.4.3: a wildcard is one label. */
function covers(names: readonly string[], host: string): boolean {
  return names.includes(host) || names.includes(`*${host.slice(host.indexOf('.'))}`);
}

/** After two thirds of its life there is time left for things to go wrong. */
export function renewAtMs(notBeforeMs: number, notAfterMs: number): number {
  return notBeforeMs + ((notAfterMs - notBeforeMs) * 2) / 3;
}

/** Authorities count failures and shut out those who try without pause. */
export function acmeDelayMs(failuresInARow: number): number {
  const { retryFirstMs, retryMaxMs } = limits.acme;
  return Math.min(retryMaxMs, retryFirstMs * 4 ** Math.max(0, failuresInARow - 1));
}

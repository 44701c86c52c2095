import type { Listen } from '../project.ts';
import type { AcmeChoice } from './acme.ts';
import type { CertificateFiles, Challenge } from './certificates.ts';

/** What concerns the gateway as a whole rather than one service. */
export interface GatewaySettings {
  /** Processes that accept clients. Null: as many as the machine's cores suggest. */
  readonly workers: number | null;
  /** Networks (`10.0.0.0/8`, `::1/128`) whose word on the client counts: proxies in front of the gateway. */
  readonly trust: readonly string[];
  /** Says which country a client is in; believed only from `trust`, and then before the file. */
  readonly geo: { readonly header: string } | null;
  /** In MaxMind's format, seen from the project's folder: says in which country an address is. */
  readonly countryFile: string | null;
  /** Secret of this project: the gateway signs its cookies with it. Null: none was made. */
  readonly stickyKey: string | null;
  /** For all listeners with TLS; a client gets the one for the name it asks for, and the first for any other name. */
  readonly certificates: readonly CertificateFiles[];
  /** Plain HTTP that leads to where TLS is. */
  readonly redirect: Listen | null;
  readonly challenges: readonly Challenge[];
  /** Where metrics are asked for; null: nowhere. */
  readonly metrics: Listen | null;
  /** Null: none is written. */
  readonly accessLog: AccessLogSettings | null;
}

export interface AccessLogSettings {
  /** Of the requests that went well; failed ones are always written. */
  readonly samplePercent: number;
  /** With what follows the `?` of the path. */
  readonly query: boolean;
}

/** What of it the user's file says. */
export interface GatewayChoices extends Omit<GatewaySettings, 'stickyKey' | 'challenges'> {
  /** Who gives certificates to hosts that have none; null: nobody. */
  readonly acme: AcmeChoice | null;
}

const PLAIN = {
  workers: null,
  trust: ['127.0.0.0/8', '::1/128'],
  geo: null,
  countryFile: null,
  certificates: [],
  redirect: null,
  metrics: null,
  accessLog: null,
} as const;

export const DEFAULT_CHOICES: GatewayChoices = { ...PLAIN, acme: null };
export const DEFAULT_SETTINGS: GatewaySettings = { ...PLAIN, stickyKey: null, challenges: [] };

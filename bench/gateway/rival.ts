/** What is compared, and how one of them is reached. */
export const RIVAL_NAMES = ['segue', 'segue, net', 'segue, seen', 'haproxy', 'nginx', 'caddy'] as const;
export type RivalName = (typeof RIVAL_NAMES)[number];

export type Protocol = 'http' | 'https' | 'h2';

export interface Rival {
  readonly name: RivalName;
  readonly port: number;
  /** Null: it has no TLS here. */
  readonly tlsPort: number | null;
  readonly pids: () => readonly number[];
  stop(): Promise<void>;
}

/** What a gateway is to be set up with. */
export interface Place {
  readonly folder: string;
  readonly port: number;
  readonly tlsPort: number;
  readonly upstreamPort: number;
  /** What `WEBSOCKET_PATH` leads to. */
  readonly echoPort: number;
  readonly certificate: CertificateFiles | undefined;
}

export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
  /** Both, one after the other. */
  readonly both: string;
}

export function portOf({ port, tlsPort }: Rival, protocol: Protocol): number | null {
  return protocol === 'http' ? port : tlsPort;
}

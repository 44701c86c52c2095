import type { AcmeChoice } from '../core/traffic/acme.ts';
import type { CertificateFiles, Challenge } from '../core/traffic/certificates.ts';

export interface KeptCertificate {
  readonly files: CertificateFiles;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface CertificateOrder {
  readonly host: string;
  readonly authority: AcmeChoice;
  /** Resolves when whoever asks for it gets the answer. */
  readonly show: (challenge: Challenge) => Promise<void>;
  readonly hide: (challenge: Challenge) => Promise<void>;
}

/** Certificates that an authority gave, kept on disk with their keys; nobody but their owner can read those. */
export interface Authority {
  /** Null: there is none for this host from this authority, or none that can be read. */
  find(host: string, authority: AcmeChoice): Promise<KeptCertificate | null>;
  /** Gets a new one, and puts it in the place of the old one whole or not at all. Throws CERTIFICATE_NOT_ISSUED. */
  obtain(order: CertificateOrder): Promise<KeptCertificate>;
}

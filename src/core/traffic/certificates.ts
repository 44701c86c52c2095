/** What is said about certificates: where they are, what a certificate authority asks, what the gateway found. */

/** Paths, seen from the project's folder. What is in the files is read by the gateway alone. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** What an authority may ask for on port 80 to see that a host is ours (RFC 8555 s. 8.3). */
export interface Challenge {
  readonly token: string;
  readonly answer: string;
}

/** One certificate as the gateway has it now. */
export interface CertificateState {
  /** The file it is in. */
  readonly certificate: string;
  readonly hosts: readonly string[];
  /** Wall clock; null: it could not be read. */
  readonly notAfterMs: number | null;
  /** Why the newest files were refused; what was there before is in use. Null: all is well. */
  readonly trouble: string | null;
}

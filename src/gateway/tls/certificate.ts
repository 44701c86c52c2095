/** One certificate with its key, read from its files and tried before anybody is shown it. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import fs from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { limits } from '../../core/limits.ts';
import type { CertificateFiles } from '../../core/traffic/certificates.ts';

export interface Certificate {
  /** PEM: the leaf first, then what leads to its root. */
  readonly chain: Buffer;
  readonly key: Buffer;
  /** Lower case; `*.example.com` stands for one label. */
  readonly hosts: readonly string[];
  /** Of one name, one of each kind can be offered: clients that know only RSA get that one. */
  readonly keyType: string;
  readonly notAfterMs: number;
  readonly fingerprint: string;
}

/** Throws an Error that says which file is wrong and in which way. */
export async function readCertificate(files: CertificateFiles): Promise<Certificate> {
  const chain = await readFile(files.certificate);
  const key = await readFile(files.key);
  const leaf = attempt(files.certificate, 'is no certificate in PEM', () => new X509Certificate(chain));
  const secret = attempt(files.key, 'is no private key in PEM', () => createPrivateKey(key));
  if (!leaf.checkPrivateKey(secret)) throw new Error(`${files.key} is not the key of ${files.certificate}`);
  attempt(files.certificate, 'cannot be used', () => createSecureContext({ cert: chain, key }));
  return {
    chain,
    key,
    hosts: hostsOf(leaf),
    keyType: secret.asymmetricKeyType ?? 'unknown',
    notAfterMs: Date.parse(leaf.validTo),
    fingerprint: leaf.fingerprint256,
  };
}

async function readFile(file: string): Promise<Buffer> {
  const { size } = await fs.stat(file).catch((error: unknown) => {
    throw new Error(`${file} cannot be read (${codeOf(error)})`);
  });
  if (size > limits.gateway.tls.fileBytesMax)
    throw new Error(`${file} is larger than ${limits.gateway.tls.fileBytesMax} bytes`);
  return fs.readFile(file).catch((error: unknown) => {
    throw new Error(`${file} cannot be read (${codeOf(error)})`);
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}

function attempt<T>(file: string, wrong: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${file} ${wrong} (${why})`, { cause: error });
  }
}

/** RFC 6125: the names of the extension; the subject's own name only where there is none. */
function hostsOf(leaf: X509Certificate): string[] {
  const names = (leaf.subjectAltName ?? '')
    .split(', ')
    .filter((name) => name.startsWith('DNS:'))
    .map((name) => name.slice(4).toLowerCase());
  if (names.length > 0) return [...new Set(names)];
  const common = /^CN=(.+)$/m.exec(leaf.subject)?.[1];
  return common === undefined ? [] : [common.toLowerCase()];
}

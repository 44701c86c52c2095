/** Certificates made by the openssl program: a root, and what it signs. */
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface CertificateChoice {
  readonly hosts: readonly string[];
  readonly key?: 'ec' | 'rsa';
  readonly days?: number;
}

export interface MadeCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** Self-signed, written as `<name>.pem` and `<name>.key`: also its own root. */
export async function makeCertificate(
  dir: string,
  name: string,
  { hosts, key = 'ec', days = 30 }: CertificateChoice,
): Promise<MadeCertificate> {
  const made = { certificate: path.join(dir, `${name}.pem`), key: path.join(dir, `${name}.key`) };
  const names = hosts.map((host) => `DNS:${host}`).join(',');
  const kind = key === 'ec' ? ['ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'] : ['rsa:2048'];
  await fs.mkdir(dir, { recursive: true });
  await run('openssl', [
    ...['req', '-x509', '-nodes', '-newkey', ...kind, '-days', String(days), '-subj', `/CN=${hosts[0]}`],
    ...['-addext', `subjectAltName=${names}`, '-keyout', made.key, '-out', made.certificate],
  ]);
  return made;
}

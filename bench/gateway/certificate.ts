import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from './programs.ts';
import type { CertificateFiles } from './rival.ts';

/** Signed by itself, good for a day; undefined where there is no openssl. */
export async function makeCertificate(folder: string): Promise<CertificateFiles | undefined> {
  const openssl = findProgram('openssl');
  if (openssl === undefined) return undefined;
  const file = (name: string) => path.join(folder, name);
  const files = { certificate: file('certificate.pem'), key: file('key.pem'), both: file('both.pem') };
  await promisify(execFile)(openssl, [
    ...['req', '-x509', '-nodes', '-days', '1', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
    ...['-keyout', files.key, '-out', files.certificate, '-subj', '/CN=localhost'],
    ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
  ]);
  const parts = await Promise.all([fs.readFile(files.certificate), fs.readFile(files.key)]);
  await fs.writeFile(files.both, Buffer.concat(parts));
  return files;
}

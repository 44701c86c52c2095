/**
 * Certificates by ACME, proven by answers on port 80 (RFC 8555 s. 8.3). Under `.segue/certificates`, a folder for
 * each authority, for what one gave is not the other's; in it the key of the account and, per host, certificate
 * and key.
 */
import { createHash, X509Certificate } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { AcmeChoice } from '../../../core/traffic/acme.ts';
import type { Authority, CertificateOrder, KeptCertificate } from '../../../ports/authority.ts';
import { CERTIFICATES_DIR } from '../../../wire/paths.ts';
import { systemCode } from '../../disk-error.ts';

const ACCOUNT_KEY = 'account.key';
const HTTP_01 = 'http-01';

export class AcmeAuthority implements Authority {
  readonly #root: string;

  constructor({ root }: { root: string }) {
    this.#root = root;
  }

  async find(host: string, authority: AcmeChoice): Promise<KeptCertificate | null> {
    const files = filesOf(host, authority);
    try {
      const leaf = new X509Certificate(await fs.readFile(path.join(this.#root, files.certificate)));
      await fs.access(path.join(this.#root, files.key));
      return keptOf(files, leaf);
    } catch {
      // Whatever is wrong with it, a new one is the answer.
      return null;
    }
  }

  async obtain(order: CertificateOrder): Promise<KeptCertificate> {
    const { host, authority } = order;
    try {
      const { pem, key } = await this.#order(order);
      const files = filesOf(host, authority);
      // The key first: a certificate that came without it would be refused, and the old pair goes on.
      await this.#write(files.key, key);
      await this.#write(files.certificate, pem);
      return keptOf(files, new X509Certificate(pem));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new SegueError('CERTIFICATE_NOT_ISSUED', `${host}: ${why}`, { cause: error });
    }
  }

  async #order({ host, authority, show, hide }: CertificateOrder): Promise<{ pem: string; key: string }> {
    // Loaded on need: most projects have no use for it.
    const acme = await import('acme-client');
    // What fails is tried again by whoever ordered it, who can say so meanwhile.
    const once = { retryMaxAttempts: 1, retryDefaultDelay: 1 };
    Object.assign(acme.axios.defaults, { timeout: limits.acme.requestTimeoutMs, acmeSettings: once });
    const { email, directory } = authority;
    const accountKey = await this.#accountKey(authority, () => acme.crypto.createPrivateEcdsaKey());
    const client = new acme.Client({
      directoryUrl: directory,
      accountKey,
      backoffAttempts: limits.acme.pollsMax,
      backoffMin: limits.acme.pollFirstMs,
      backoffMax: limits.acme.pollMaxMs,
    });
    const [key, csr] = await acme.crypto.createCsr(
      { altNames: [host] },
      await acme.crypto.createPrivateEcdsaKey(),
    );
    const pem = await client.auto({
      csr,
      ...(email === null ? {} : { email }),
      termsOfServiceAgreed: true,
      challengePriority: [HTTP_01],
      // The authority looks for itself, and this machine may not reach itself by that name.
      skipChallengeVerification: true,
      challengeCreateFn: (_authorization, { token }, answer) => show({ token, answer }),
      challengeRemoveFn: (_authorization, { token }, answer) => hide({ token, answer }),
    });
    return { pem, key: key.toString() };
  }

  async #accountKey(authority: AcmeChoice, make: () => Promise<Buffer>): Promise<Buffer> {
    const file = path.join(folderOf(authority), ACCOUNT_KEY);
    try {
      return await fs.readFile(path.join(this.#root, file));
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
    const made = await make();
    await this.#write(file, made.toString());
    return made;
  }

  async #write(file: string, text: string): Promise<void> {
    const whole = path.join(this.#root, file);
    await fs.mkdir(path.dirname(whole), { recursive: true, mode: 0o700 });
    const part = `${whole}.part`;
    await fs.writeFile(part, text, { mode: 0o600, flush: true });
    await fs.rename(part, whole);
  }
}

/** Named after the directory, so that a try with a test authority leaves nothing for the real one. */
function folderOf({ directory }: AcmeChoice): string {
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 8);
  return path.join(CERTIFICATES_DIR, `${new URL(directory).hostname}-${hash}`);
}

function filesOf(host: string, authority: AcmeChoice): KeptCertificate['files'] {
  const base = path.join(folderOf(authority), host);
  return { certificate: `${base}.pem`, key: `${base}.key` };
}

function keptOf(files: KeptCertificate['files'], leaf: X509Certificate): KeptCertificate {
  return { files, notBeforeMs: Date.parse(leaf.validFrom), notAfterMs: Date.parse(leaf.validTo) };
}

/**
 * The certificates of the routing in force, found by the name that a client asks for. Their files are looked at
 * again and again: new ones are taken without a word, and what is broken is refused while the old goes on.
 */
import fs from 'node:fs/promises';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import { limits } from '../../core/limits.ts';
import type { CertificateFiles, CertificateState } from '../../core/traffic/certificates.ts';
import { nowMs } from '../clock.ts';
import { type Certificate, readCertificate } from './certificate.ts';
import { TicketKeys } from './ticket-keys.ts';

interface Entry {
  readonly files: CertificateFiles;
  /** What the files looked like when they were read. */
  stamp: string;
  certificate: Certificate | null;
  trouble: string | null;
}

/** What differs between listeners is nothing: all show the same certificates. */
export interface Identity {
  /** For clients that name no host, or one that is nobody's. */
  readonly standard: SecureContextOptions;
  readonly ticketKey: Buffer | null;
  /** Whose tickets are taken as well. */
  readonly otherTicketKeys: readonly Buffer[];
  contextFor(host: string): SecureContext | undefined;
}

const COMMON = {
  minVersion: 'TLSv1.2',
  // Node's own is made of the command line, which is another one for each worker.
  sessionIdContext: 'segue',
} as const;

export class Certificates {
  readonly #log: (line: string) => void;
  readonly #tickets: TicketKeys;
  readonly #onChange: () => void;
  #entries: Entry[] = [];
  #byHost = new Map<string, SecureContext>();
  #standard: SecureContextOptions = COMMON;
  #checking: NodeJS.Timeout | undefined;
  #busy: Promise<void> = Promise.resolve();

  /** `onChange`: listeners have to take the new standard certificate or ticket key. */
  constructor(options: { ticketDir: string; log: (line: string) => void; onChange: () => void }) {
    this.#log = options.log;
    this.#onChange = options.onChange;
    this.#tickets = new TicketKeys(options.ticketDir, nowMs);
  }

  get identity(): Identity {
    return {
      standard: this.#standard,
      ticketKey: this.#tickets.current,
      otherTicketKeys: this.#tickets.others,
      contextFor: (host) => this.#contextFor(host.toLowerCase()),
    };
  }

  states(): CertificateState[] {
    return this.#entries.map(({ files, certificate, trouble }) => ({
      certificate: files.certificate,
      hosts: certificate?.hosts ?? [],
      notAfterMs: certificate?.notAfterMs ?? null,
      trouble,
    }));
  }

  /** Resolves when these are in use, as far as they can be. Never rejects. */
  apply(wanted: readonly CertificateFiles[]): Promise<void> {
    const same =
      wanted.length === this.#entries.length &&
      wanted.every((files, at) => keyOf(files) === keyOf(this.#entries[at]?.files));
    if (wanted.length === 0 && same) return Promise.resolve();
    const known = new Map(this.#entries.map((entry) => [keyOf(entry.files), entry]));
    this.#entries = wanted.map(
      (files) => known.get(keyOf(files)) ?? { files, stamp: '', certificate: null, trouble: null },
    );
    clearInterval(this.#checking);
    if (wanted.length > 0)
      this.#checking = setInterval(() => void this.#check(false), limits.gateway.tls.checkIntervalMs);
    return this.#check(!same);
  }

  stop(): void {
    clearInterval(this.#checking);
  }

  /** One at a time. */
  #check(changed: boolean): Promise<void> {
    this.#busy = this.#busy.then(async () => {
      const read = await Promise.all(this.#entries.map((entry) => this.#refresh(entry)));
      const renewed = await this.#tickets.refresh().catch((error: unknown) => {
        this.#log(`TLS session tickets are not shared: ${String(error)}`);
        return false;
      });
      if (changed || renewed || read.includes(true)) this.#use();
    });
    return this.#busy;
  }

  /** True when there is another certificate than before. */
  async #refresh(entry: Entry): Promise<boolean> {
    const stamp = await stampOf(entry.files);
    if (stamp === entry.stamp) return false;
    try {
      const certificate = await readCertificate(entry.files);
      const isNew = certificate.fingerprint !== entry.certificate?.fingerprint;
      entry.certificate = certificate;
      entry.trouble = null;
      entry.stamp = stamp;
      if (isNew)
        this.#log(`certificate ${entry.files.certificate}: in use, for ${certificate.hosts.join(', ')}`);
      return isNew;
    } catch (error) {
      // Half-written files look like this for a moment: the stamp is not kept, so they are read again.
      const trouble = error instanceof Error ? error.message : String(error);
      if (trouble !== entry.trouble) this.#log(`certificate refused: ${trouble}`);
      entry.trouble = trouble;
      return false;
    }
  }

  #use(): void {
    const ticketKeys = this.#tickets.current;
    const more = { ...COMMON, ...(ticketKeys ? { ticketKeys } : {}) };
    const usable = this.#entries.flatMap(({ certificate }) => certificate ?? []);
    const byHost = Map.groupBy(
      usable.flatMap((certificate) => certificate.hosts.map((host) => [host, certificate] as const)),
      ([host]) => host,
    );
    const made = new Map<string, SecureContext>();
    const [first] = usable;
    this.#byHost = new Map(
      [...byHost]
        .filter(([host]) => first?.hosts.includes(host) !== true)
        .map(([host, named]) => {
          const options = optionsOf(named.map(([, certificate]) => certificate));
          const key = options.fingerprint;
          const context = made.get(key) ?? createSecureContext({ ...options.secure, ...more });
          made.set(key, context);
          return [host, context];
        }),
    );
    const alike = first ? usable.filter(({ hosts }) => sameHosts(hosts, first.hosts)) : [];
    this.#standard = { ...optionsOf(alike).secure, ...more };
    this.#onChange();
  }

  /** RFC 6125 s. 6.4.3: a wildcard is one label. Undefined: the standard one. */
  #contextFor(host: string): SecureContext | undefined {
    return this.#byHost.get(host) ?? this.#byHost.get(`*${host.slice(host.indexOf('.'))}`);
  }
}

/**
 * For each kind of key the one that lasts longest. The standard context offers all kinds; of one that is chosen by
 * name Node uses the last, so that is the one that every client knows.
 */
function optionsOf(certificates: readonly Certificate[]): {
  secure: { cert: Buffer[]; key: Buffer[] };
  fingerprint: string;
} {
  const best = new Map<string, Certificate>();
  for (const certificate of certificates) {
    const other = best.get(certificate.keyType);
    if (!other || other.notAfterMs < certificate.notAfterMs) best.set(certificate.keyType, certificate);
  }
  const chosen = [...best.values()].toSorted(
    (a, b) => Number(a.keyType === 'rsa') - Number(b.keyType === 'rsa'),
  );
  return {
    secure: { cert: chosen.map(({ chain }) => chain), key: chosen.map(({ key }) => key) },
    fingerprint: chosen.map(({ fingerprint }) => fingerprint).join(' '),
  };
}

const sameHosts = (some: readonly string[], others: readonly string[]) =>
  some.length === others.length && some.every((host) => others.includes(host));

const keyOf = (files: CertificateFiles | undefined) => `${files?.certificate}\0${files?.key}`;

async function stampOf({ certificate, key }: CertificateFiles): Promise<string> {
  const stats = await Promise.all(
    [certificate, key].map((file) => fs.stat(file, { bigint: true }).catch(() => null)),
  );
  return stats.map((stat) => `${stat?.ino} ${stat?.size} ${stat?.mtimeNs}`).join(' ');
}

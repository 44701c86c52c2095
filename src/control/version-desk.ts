/** Makes versions of what is to be released: looks at the files, keeps them, says what would stand in the way back. */
import path from 'node:path';
import { SegueError, toErrorRecord } from '../core/errors.ts';
import type { Service } from '../core/project.ts';
import type { VersionRecord } from '../core/release/records.ts';
import type { BuildRequest } from '../wire/api.ts';
import { resolved } from './instance-environment.ts';
import type { Ledger } from './ledger.ts';
import type { ControlPorts } from './ports.ts';
import { hashOf } from './secrets.ts';

export interface Build {
  readonly service: Service;
  readonly from: string;
  readonly version: string;
  /** Null: not looked at yet, because a version of this name is new whatever its files are. */
  readonly digest: string | null;
}

export class VersionDesk {
  readonly #ports: ControlPorts;
  readonly #ledger: Ledger;

  constructor(ports: ControlPorts, ledger: Ledger) {
    this.#ports = ports;
    this.#ledger = ledger;
  }

  /** Of a version that nothing is known of: one walk over its files, the copying one, is enough. */
  newBuild(service: Service, request: BuildRequest): Build | null {
    const { version } = request;
    if (version === null || this.#ledger.version(service.name, version)) return null;
    return { service, from: this.#sourceOf(service, request), version, digest: null };
  }

  #sourceOf(service: Service, request: BuildRequest): string {
    return path.resolve(this.#ports.source.root, request.dir ?? service.files.dir);
  }

  /** What would be released, without copying anything. */
  async inspect(service: Service, request: BuildRequest): Promise<Build> {
    const from = this.#sourceOf(service, request);
    const files = await this.#ports.files.digest(from, service.files.ignore);
    const digest = hashOf(`${files.digest}\n${JSON.stringify(service.run)}`);
    const version = request.version ?? `d${digest.slice(0, 10)}`;
    const known = this.#ledger.version(service.name, version);
    if (known && known.digest !== digest) {
      const what = known.filesDigest === files.digest ? 'another configuration under "run"' : 'other files';
      throw new SegueError('VERSION_EXISTS', `${service.name} ${version} was released with ${what}.`);
    }
    return { service, from, version, digest };
  }

  /** `changes`: of the database, in its folder now; a version that is known already stays what it was made with. */
  async keep({ service, from, version, digest }: Build, changes: readonly string[]): Promise<VersionRecord> {
    const kept = this.#ledger.versionsOf(service.name).filter((v) => !v.removed);
    const earlier = kept.toSorted((a, b) => b.keptAtMs - a.keptAtMs).map((v) => v.version);
    const { ignore } = service.files;
    const files = await this.#ports.files.keep({ service: service.name, version, from, ignore, earlier });
    const known = this.#ledger.version(service.name, version);
    const made = known ? (known.changes ?? []) : changes;
    const record: VersionRecord = {
      service: service.name,
      version,
      digest: hashOf(`${files.digest}\n${JSON.stringify(service.run)}`),
      filesDigest: files.digest,
      files: files.files,
      bytes: files.bytes,
      spec: service,
      keptAtMs: this.#ports.clock.nowMs(),
      removed: false,
      ...(made.length > 0 ? { changes: made } : {}),
    };
    if (digest !== null && record.digest !== digest) {
      await this.#ports.files.remove(service.name, version);
      throw new SegueError('SOURCE_CHANGED', from);
    }
    await this.#ledger.write(() => ({
      facts: [
        { kind: 'version-kept', version, digest: record.digest, files: files.files, bytes: files.bytes },
      ],
      changes: [{ put: 'version', record }],
      service: service.name,
    }));
    return record;
  }

  /** One that is kept whole, to be released again. */
  async kept(service: string, to: string): Promise<VersionRecord> {
    const version = this.#ledger.version(service, to);
    if (!version || version.removed) throw new SegueError('VERSION_MISSING', `${service} ${to}`);
    if (!(await this.#ports.files.verify(service, to)))
      throw new SegueError('VERSION_DAMAGED', `${service} ${to}`);
    return version;
  }

  /** Whole: after a release that got stuck, stable may share the service with what was to replace it. */
  serves(service: string, version: string): boolean {
    const running = this.#ledger.instances.filter((instance) => instance.service === service);
    const alone = running.length > 0 && running.every((instance) => instance.version === version);
    return alone && this.#ledger.service(service).stable === version;
  }

  /** What would make going back fail, found before traffic moves. */
  async problems(service: string): Promise<string[]> {
    const { stable } = this.#ledger.service(service);
    if (stable === null) return [];
    const but = 'it can serve while it runs, but not be started again';
    const whole = await this.#ports.files.verify(service, stable);
    const files = whole ? [] : [`the kept files of ${stable} are missing or changed: ${but}`];
    const missing = missingValue(this.#ports.environment, this.#ledger.version(service, stable));
    return missing === null ? files : [...files, `${stable} cannot have its environment: ${missing} ${but}`];
  }
}

function missingValue(
  environment: ControlPorts['environment'],
  version: VersionRecord | undefined,
): string | null {
  if (!version) return null;
  try {
    resolved(environment, version.spec);
    return null;
  } catch (error) {
    return toErrorRecord(error).detail;
  }
}

/** Takes orders for releases: checks everything that can be checked, keeps the files, makes the plan. */
import path from 'node:path';
import { SegueError, toErrorRecord } from '../core/errors.ts';
import type { Project, Service } from '../core/project.ts';
import { makePlan } from '../core/release/planning.ts';
import { baselineOf, type CountBaseline } from '../core/release/receipt.ts';
import type { ReleaseRecord, VersionRecord } from '../core/release/records.ts';
import { BEGIN } from '../core/release/state.ts';
import type { Plan } from '../core/release/plan.ts';
import { describeStep } from '../core/release/step.ts';
import type { DeployRequest, PlanResponse, RollbackRequest } from '../wire/api.ts';
import type { Engine } from './engine.ts';
import { refuseMissingHeaders } from './guards/metric-headers.ts';
import { resolved } from './instance-environment.ts';
import type { JudgeDesk } from './judge-desk.ts';
import type { Ledger } from './ledger.ts';
import type { ControlPorts } from './ports.ts';
import { hashOf } from './secrets.ts';

export interface DeskParts {
  readonly ports: ControlPorts;
  readonly ledger: Ledger;
  readonly engine: Engine;
  readonly judge: JudgeDesk;
  /** Called when a release of the service is about to begin: from here on the file counts for it. */
  readonly accept: (file: Project, service: string) => void;
}

interface Build {
  readonly service: Service;
  readonly from: string;
  readonly version: string;
  /** Null: not looked at yet, because a version of this name is new whatever its files are. */
  readonly digest: string | null;
}

export class ReleaseDesk {
  readonly #ports: ControlPorts;
  readonly #ledger: Ledger;
  readonly #engine: Engine;
  readonly #judge: JudgeDesk;
  readonly #accept: DeskParts['accept'];
  /** Services whose files are being copied: the release is not in the ledger yet (R7). */
  readonly #claimed = new Set<string>();

  constructor({ ports, ledger, engine, judge, accept }: DeskParts) {
    this.#ports = ports;
    this.#ledger = ledger;
    this.#engine = engine;
    this.#judge = judge;
    this.#accept = accept;
  }

  async plan(project: Project, request: DeployRequest): Promise<PlanResponse> {
    const service = serviceOf(project, request.service);
    const build = await this.#inspect(service, request);
    const problems = await this.#problems(service.name);
    const plan = this.#planFor('deploy', service, build.version, problems);
    const serving = this.#serves(service.name, build.version);
    return { plan, lines: plan.steps.map(describeStep), serving };
  }

  /** Null when the version serves already. */
  async deploy(project: Project, request: DeployRequest): Promise<ReleaseRecord | null> {
    const service = serviceOf(project, request.service);
    return this.#claim(service.name, async () => {
      resolved(this.#ports.environment, service);
      refuseMissingHeaders(this.#ports.environment, service);
      const build = this.#newBuild(service, request) ?? (await this.#inspect(service, request));
      if (this.#serves(service.name, build.version)) return null;
      const version = await this.#keep(build);
      this.#accept(project, service.name);
      return this.#begin('deploy', service, version, request.by);
    });
  }

  async rollback(project: Project, name: string, request: RollbackRequest): Promise<ReleaseRecord> {
    const current = serviceOf(project, name);
    return this.#claim(name, async () => {
      const { stable, previous } = this.#ledger.service(name);
      // After a release that got stuck, stable itself is what there is to go back to.
      const serving = stable !== null && this.#serves(name, stable);
      const to = request.to ?? (serving ? previous : stable);
      if (to === null || (serving && to === stable))
        throw new SegueError('NOTHING_TO_ROLL_BACK_TO', to === null ? name : `${to} serves already.`);
      const version = this.#ledger.version(name, to);
      if (!version || version.removed) throw new SegueError('VERSION_MISSING', `${name} ${to}`);
      if (!(await this.#ports.files.verify(name, to)))
        throw new SegueError('VERSION_DAMAGED', `${name} ${to}`);
      resolved(this.#ports.environment, version.spec);
      // What the version was released with comes back with it; where traffic comes in is the file's.
      const service = { ...version.spec, traffic: current.traffic };
      this.#accept(project, name);
      return this.#begin('rollback', service, version, request.by);
    });
  }

  async #claim<T>(service: string, work: () => Promise<T>): Promise<T> {
    const active = this.#ledger.service(service).activeRelease;
    if (active !== null) throw new SegueError('RELEASE_ACTIVE', `${active} of ${service}.`);
    if (this.#claimed.has(service)) throw new SegueError('RELEASE_ACTIVE', `${service} is being prepared.`);
    this.#claimed.add(service);
    try {
      return await work();
    } finally {
      this.#claimed.delete(service);
    }
  }

  /** Of a version that nothing is known of: one walk over its files, the copying one, is enough. */
  #newBuild(service: Service, request: DeployRequest): Build | null {
    const { version } = request;
    if (version === null || this.#ledger.version(service.name, version)) return null;
    return { service, from: this.#sourceOf(service, request), version, digest: null };
  }

  #sourceOf(service: Service, request: DeployRequest): string {
    return path.resolve(this.#ports.source.root, request.dir ?? service.files.dir);
  }

  /** What would be released, without copying anything. */
  async #inspect(service: Service, request: DeployRequest): Promise<Build> {
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

  /** Whole: after a release that got stuck, stable may share the service with what was to replace it. */
  #serves(service: string, version: string): boolean {
    const running = this.#ledger.instances.filter((instance) => instance.service === service);
    const alone = running.length > 0 && running.every((instance) => instance.version === version);
    return alone && this.#ledger.service(service).stable === version;
  }

  async #keep({ service, from, version, digest }: Build): Promise<VersionRecord> {
    const kept = this.#ledger.versionsOf(service.name).filter((v) => !v.removed);
    const earlier = kept.toSorted((a, b) => b.keptAtMs - a.keptAtMs).map((v) => v.version);
    const { ignore } = service.files;
    const files = await this.#ports.files.keep({ service: service.name, version, from, ignore, earlier });
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

  /** The plan is made when the write has its turn: from what is true then, under a number of its own. */
  async #begin(
    kind: 'deploy' | 'rollback',
    service: Service,
    version: VersionRecord,
    by: string,
  ): Promise<ReleaseRecord> {
    const { name } = service;
    const problems = await this.#problems(name);
    const report = await this.#ports.plane.freshReport();
    const baseline = baselineOf(report, name);
    const begun: ReleaseRecord[] = [];
    await this.#ledger.write(() => {
      const plan = this.#planFor(kind, service, version.version, problems);
      const record = this.#recordOf(kind, plan, by, baseline);
      begun.push(record);
      const active = { ...this.#ledger.service(name), activeRelease: record.id };
      return {
        facts: [{ kind: 'release-planned', by, plan }],
        changes: [
          { put: 'release', record },
          { put: 'service', record: active },
          this.#judge.begin(record, report),
        ],
        service: name,
        release: record.id,
      };
    });
    const [record] = begun;
    if (!record) throw new SegueError('UNEXPECTED', `no release of ${name} was planned`);
    this.#engine.run(record.id);
    return record;
  }

  #recordOf(
    kind: 'deploy' | 'rollback',
    plan: Plan,
    by: string,
    baseline: readonly CountBaseline[],
  ): ReleaseRecord {
    return {
      id: plan.release,
      service: plan.service,
      kind,
      by,
      from: plan.from,
      to: plan.to,
      plan,
      state: BEGIN,
      baseline,
      startedAtMs: this.#ports.clock.nowMs(),
      endedAtMs: null,
      receipt: null,
    };
  }

  #planFor(kind: 'deploy' | 'rollback', service: Service, to: string, problems: readonly string[]): Plan {
    const release = this.#ledger.nextReleaseId;
    const facts = this.#engine.factsOf(service, release);
    return makePlan({ kind, facts, release, to, service, problems });
  }

  /** What would make going back fail, found before traffic moves. */
  async #problems(service: string): Promise<string[]> {
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

function serviceOf(project: Project, name: string): Service {
  const service = Object.values(project.services).find((each) => each.name === name);
  if (service) return service;
  throw new SegueError('SERVICE_UNKNOWN', `"${name}"; there is ${Object.keys(project.services).join(', ')}.`);
}

/**
 * Takes orders for releases, of one service or of several together: checks everything that can be checked,
 * keeps the files, makes the plans. Until all of it is done nothing of any of them has begun.
 */
import { SegueError } from '../core/errors.ts';
import { type DatabaseChoice, isWorker, type Project, type Service } from '../core/project.ts';
import { type Joining, type Member, orderWithin, reversed } from '../core/release/group.ts';
import { makePlan, type PlanRequest } from '../core/release/planning.ts';
import { baselineOf, type CountBaseline } from '../core/release/receipt.ts';
import type { ReleaseRecord, VersionRecord } from '../core/release/records.ts';
import { BEGIN, type ReleaseState } from '../core/release/state.ts';
import type { Plan } from '../core/release/plan.ts';
import { pendingFor, type SchemaFacts } from '../core/release/schema.ts';
import { describeStep } from '../core/release/step.ts';
import type { TrafficReport } from '../core/traffic/counts.ts';
import type { BuildRequest, PlanResponse, RollbackRequest } from '../wire/api.ts';
import type { SchemaDesk } from './database/schema-desk.ts';
import type { Engine } from './engine.ts';
import type { FlagRaises } from './flags/flag-raises.ts';
import { refuseMissingHeaders } from './guards/metric-headers.ts';
import { resolved } from './instance-environment.ts';
import type { JudgeDesk } from './judge-desk.ts';
import type { Ledger, Writing } from './ledger.ts';
import type { ControlPorts } from './ports.ts';
import { type Build, VersionDesk } from './version-desk.ts';

export interface DeskParts {
  readonly ports: ControlPorts;
  readonly ledger: Ledger;
  readonly engine: Engine;
  readonly judge: JudgeDesk;
  readonly schema: SchemaDesk;
  readonly flags: FlagRaises;
  /** Called when a release of the service is about to begin: from here on the file counts for it. */
  readonly accept: (file: Project, service: string) => void;
}

type Kind = PlanRequest['kind'];

/** One service of a release, looked at and about to begin. */
interface Beginning {
  readonly service: Service;
  readonly to: string;
  readonly problems: readonly string[];
  /** Of a version that is only looked at: the changes of the database that it would be made with. */
  readonly changes?: readonly string[];
}

/** What the plans of one order share. */
interface Scene {
  readonly kind: Kind;
  readonly members: readonly Member[];
  readonly beginnings: readonly Beginning[];
  readonly database: DatabaseChoice | null;
}

type Order = ReadonlyMap<string, readonly string[]>;

export class ReleaseDesk {
  readonly #ports: ControlPorts;
  readonly #ledger: Ledger;
  readonly #engine: Engine;
  readonly #judge: JudgeDesk;
  readonly #schema: SchemaDesk;
  readonly #flags: FlagRaises;
  readonly #accept: DeskParts['accept'];
  readonly #versions: VersionDesk;
  /** Services whose files are being copied: the release is not in the ledger yet (R7). */
  readonly #claimed = new Set<string>();

  constructor({ ports, ledger, engine, judge, schema, flags, accept }: DeskParts) {
    this.#ports = ports;
    this.#ledger = ledger;
    this.#engine = engine;
    this.#judge = judge;
    this.#schema = schema;
    this.#flags = flags;
    this.#accept = accept;
    this.#versions = new VersionDesk(ports, ledger);
  }

  async plan(project: Project, requests: readonly BuildRequest[]): Promise<PlanResponse[]> {
    const builds = await inTurn(requests, (request) =>
      this.#versions.inspect(serviceOf(project, request.service), request),
    );
    const isServing = (name: string, version: string) => this.#versions.serves(name, version);
    const moving = builds.filter(({ service, version }) => !isServing(service.name, version));
    const order = orderOf(
      project,
      moving.map(({ service }) => service.name),
    );
    const { database } = project;
    const changes = await this.#schema.readFor(database);
    const looked = await inTurn(builds, async ({ service, version: to }): Promise<Beginning> => {
      const problems = await this.#versions.problems(service.name);
      return { service, to, problems, changes };
    });
    const beginnings = looked.filter(({ service, to }) => !isServing(service.name, to));
    const scene: Scene = { kind: 'deploy', members: this.#membersOf(order), beginnings, database };
    return looked.map((beginning) => {
      const { service, to } = beginning;
      const plan = this.#planFor(beginning, scene);
      return { plan, lines: plan.steps.map(describeStep), serving: isServing(service.name, to) };
    });
  }

  /** The releases that begin; none for a service whose version serves already. */
  async deploy(project: Project, requests: readonly BuildRequest[], by: string): Promise<ReleaseRecord[]> {
    const asked = requests.map((request) => ({ request, service: serviceOf(project, request.service) }));
    const names = requests.map(({ service }) => service);
    return this.#claim(names, async () => {
      for (const { service } of asked) {
        resolved(this.#ports.environment, service);
        refuseMissingHeaders(this.#ports.environment, service);
      }
      const changes = await this.#schema.readFor(project.database);
      const builds = await inTurn(
        asked,
        async ({ service, request }) =>
          this.#versions.newBuild(service, request) ?? (await this.#versions.inspect(service, request)),
      );
      const moving = builds.filter(({ service, version }) => !this.#versions.serves(service.name, version));
      const items = await inTurn(moving, async (build) => ({
        service: build.service,
        version: await this.#versions.keep(build, this.#changesOf(build, changes, project)),
      }));
      for (const { service } of moving) this.#accept(project, service.name);
      const order = orderOf(
        project,
        moving.map(({ service }) => service.name),
      );
      const { database } = project;
      return this.#begin({ kind: 'deploy', items, order, by, database });
    });
  }

  /** Of the database, that a version of the service is made with. */
  #changesOf({ service }: Build, all: readonly string[], { database }: Project): readonly string[] {
    return this.#schema.uses(service.name, database) ? all : [];
  }

  /** What was released last goes back first. */
  async rollback(
    project: Project,
    names: readonly string[],
    request: RollbackRequest,
  ): Promise<ReleaseRecord[]> {
    const current = names.map((name) => serviceOf(project, name));
    return this.#claim(names, async () => {
      const items = await inTurn(current, async (service) => {
        const version = await this.#versions.kept(service.name, this.#goalOf(service.name, request.to));
        resolved(this.#ports.environment, version.spec);
        // What the version was released with comes back with it; where traffic comes in is the file's.
        return { service: placedAs(version.spec, service), version };
      });
      const { database } = project;
      const away = await this.#schema.readForRollback(database);
      for (const name of names) this.#accept(project, name);
      const order = reversed(orderOf(project, names));
      return this.#begin({ kind: 'rollback', items, order, by: request.by, database, away });
    });
  }

  /**
   * The service and those that its version came with. Throws NOTHING_TO_ROLL_BACK_TO when one of them serves another
   * version by now: what it would go back to is not what it was before.
   */
  async releasedWith(name: string): Promise<string[]> {
    const { stable } = this.#ledger.service(name);
    const releases = await this.#ports.store.releases({ service: name });
    const last = releases.find(({ to, state }) => to === stable && isDone(state));
    const members = last?.group ?? [];
    for (const { release, service } of members) {
      const record = await this.#ports.store.release(release);
      const now = this.#ledger.service(service).stable;
      if (record && record.to !== now) {
        const what = `${service} serves ${now ?? 'nothing'} by now, not ${record.to} of ${release}: go back alone.`;
        throw new SegueError('NOTHING_TO_ROLL_BACK_TO', what);
      }
    }
    return members.length > 0 ? members.map(({ service }) => service) : [name];
  }

  #goalOf(name: string, asked: string | null): string {
    const { stable, previous } = this.#ledger.service(name);
    // After a release that got stuck, stable itself is what there is to go back to.
    const serving = stable !== null && this.#versions.serves(name, stable);
    const to = asked ?? (serving ? previous : stable);
    if (to === null || (serving && to === stable))
      throw new SegueError('NOTHING_TO_ROLL_BACK_TO', to === null ? name : `${to} serves already.`);
    return to;
  }

  async #claim<T>(services: readonly string[], work: () => Promise<T>): Promise<T> {
    for (const service of services) {
      const active = this.#ledger.service(service).activeRelease;
      if (active !== null) throw new SegueError('RELEASE_ACTIVE', `${active} of ${service}.`);
      if (this.#claimed.has(service)) throw new SegueError('RELEASE_ACTIVE', `${service} is being prepared.`);
    }
    for (const service of services) this.#claimed.add(service);
    try {
      return await work();
    } finally {
      for (const service of services) this.#claimed.delete(service);
    }
  }

  /** The plans are made when the write has its turn: from what is true then, under numbers of their own. */
  async #begin({ kind, items, order, by, database, away = null }: Begun): Promise<ReleaseRecord[]> {
    const beginnings = await inTurn(items, async ({ service, version }) => ({
      ...{ service, to: version.version },
      problems: [...(await this.#versions.problems(service.name)), ...(away === null ? [] : [away])],
    }));
    const report = await this.#ports.plane.freshReport();
    let begun: ReleaseRecord[] = [];
    await this.#ledger.write(() => {
      const members = this.#membersOf(order);
      const inOrder = members.flatMap(({ service }) => beginnings.filter((b) => b.service.name === service));
      begun = inOrder.map((beginning) => {
        const plan = this.#planFor(beginning, { kind, members, beginnings: inOrder, database });
        const record = this.#recordOf(kind, plan, by, baselineOf(report, plan.service));
        return members.length > 1 ? { ...record, group: members } : record;
      });
      const [first, ...others] = begun.map((record) => this.#writingOf(record, report));
      return first ? { ...first, with: others } : null;
    });
    for (const { id } of begun) this.#engine.run(id);
    return begun;
  }

  /** Numbered on from the last release, in the order in which they begin. */
  #membersOf(order: Order): Member[] {
    const inOrder = [...order].toSorted(([, a], [, b]) => a.length - b.length);
    return inOrder.map(([service, after], i) => ({
      ...{ release: this.#ledger.nextReleaseId(i), service, after },
    }));
  }

  #writingOf(record: ReleaseRecord, report: TrafficReport | null): Writing {
    const active = { ...this.#ledger.service(record.service), activeRelease: record.id };
    return {
      facts: [{ kind: 'release-planned', by: record.by, plan: record.plan }],
      changes: [
        { put: 'release', record },
        { put: 'service', record: active },
        this.#judge.begin(record, report),
      ],
      service: record.service,
      release: record.id,
    };
  }

  #recordOf(kind: Kind, plan: Plan, by: string, baseline: readonly CountBaseline[]): ReleaseRecord {
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

  #planFor(beginning: Beginning, scene: Scene): Plan {
    const { kind, members } = scene;
    const { service, to } = beginning;
    const member = members.find((each) => each.service === service.name);
    const release = member?.release ?? this.#ledger.nextReleaseId();
    const schema = this.#schemaOf(beginning, scene);
    if (schema) this.#schema.refuseTaken(schema, to);
    if (kind === 'deploy') this.#flags.refuseUnknown(service);
    const flags = this.#flags.factsFor(service, { id: release, to });
    const facts = { ...this.#engine.factsOf(service, release), flags, ...(schema ? { schema } : {}) };
    const problems = [...beginning.problems, ...(schema ? this.#schema.warningsFor(schema, to) : [])];
    const others = members.filter((each) => each !== member).map((each) => each.service);
    const joining = {
      ...{ after: member?.after ?? [], others: member ? others : [] },
      ...(member ? this.#bringing(beginning, scene) : {}),
    };
    return makePlan({ kind, facts, release, to, service, problems, joining });
  }

  #schemaOf({ service, to, changes }: Beginning, { database }: Scene): SchemaFacts | null {
    return this.#schema.factsFor(service.name, changes ? { version: to, changes } : null, database);
  }

  /** The first that needs something of the database brings it for all. */
  #bringing(beginning: Beginning, scene: Scene): Pick<Joining, 'bringer' | 'brings'> {
    const needing = scene.members.flatMap(({ service }) =>
      scene.beginnings.flatMap((each) => {
        const schema = each.service.name === service ? this.#schemaOf(each, scene) : null;
        const pending = schema ? pendingFor(schema, each.to) : [];
        return pending.length > 0 ? [{ service, pending }] : [];
      }),
    );
    const own = needing.find(({ service }) => service === beginning.service.name);
    const [first] = needing;
    if (!first || !own) return {};
    if (own === first) return { brings: needing.flatMap(({ pending }) => pending) };
    return { bringer: first.service };
  }
}

/** An order whose files are kept and checked. */
interface Begun {
  readonly kind: Kind;
  readonly items: readonly { readonly service: Service; readonly version: VersionRecord }[];
  readonly order: Order;
  readonly by: string;
  readonly database: DatabaseChoice | null;
  /** Why the plan is made without an answer of the database. */
  readonly away?: string | null;
}

/** Web and worker never meet here: a service stays what it is. */
function placedAs(spec: Service, current: Service): Service {
  if (isWorker(spec)) return { ...spec, drainMs: isWorker(current) ? current.drainMs : spec.drainMs };
  return isWorker(current) ? spec : { ...spec, traffic: current.traffic };
}

const isDone = (state: ReleaseState) => state.phase === 'ended' && state.outcome === 'done';

function orderOf(project: Project, names: readonly string[]): Order {
  return orderWithin(names, (name) => project.services[name]?.after ?? []);
}

/** One after the other: copies of several builds at once would only get in each other's way. */
async function inTurn<T, R>(items: readonly T[], work: (item: T, index: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const [index, item] of items.entries()) results.push(await work(item, index));
  return results;
}

function serviceOf(project: Project, name: string): Service {
  const service = Object.values(project.services).find((each) => each.name === name);
  if (service) return service;
  throw new SegueError('SERVICE_UNKNOWN', `"${name}"; there is ${Object.keys(project.services).join(', ')}.`);
}

/**
 * Control as a whole: what the API can ask for. Requests are checked here and refused before anything is
 * changed; what was accepted is carried out by the engine, whether or not the asker stays.
 */
import { SegueError } from '../core/errors.ts';
import { isWeb, type Project, type Service, type WebService } from '../core/project.ts';
import { TrafficWindow } from '../core/traffic/traffic-window.ts';
import { count } from '../core/units.ts';
import type { GatewaySettings } from '../core/traffic/settings.ts';
import type { ReleaseRecord } from '../core/release/records.ts';
import type { Word } from '../core/release/gate.ts';
import type { Fact } from '../core/release/journal.ts';
import { isPromoted } from '../core/release/state.ts';
import type { PlaneEvent } from '../ports/traffic-plane.ts';
import type {
  ApplyResponse,
  DeployRequest,
  DeployResponse,
  GatewayStatus,
  PlanResponse,
  RollbackRequest,
  TogetherPlanResponse,
  TogetherRequest,
  TogetherResponse,
} from '../wire/api.ts';
import { SEGUE_VERSION } from '../wire/version.ts';
import { CertificateOffice } from './certificate-office.ts';
import { ENVIRONMENT_SETTING, environmentOf } from './chosen-environment.ts';
import { SchemaOffice } from './database/schema-office.ts';
import { Engine } from './engine.ts';
import { Fleet } from './fleet.ts';
import { FlagOffice } from './flags/flag-office.ts';
import { GuardDesk } from './guards/guard-desk.ts';
import { JudgeDesk } from './judge-desk.ts';
import { drainMsOf, kindOf, listenOf, refuseChangedKinds } from './kinds.ts';
import { Ledger } from './ledger.ts';
import { removeOldVersions } from './old-versions.ts';
import { Orders } from './orders.ts';
import { PortBook } from './port-book.ts';
import type { ControlPorts } from './ports.ts';
import { recoverInstances } from './recovery.ts';
import { ReleaseDesk } from './release-desk.ts';
import { hashOf } from './secrets.ts';
import { stickyKeyOf, stickyKeySetting } from './sticky-key.ts';
import { TrafficDirector } from './traffic-director.ts';

export interface ControlOptions {
  /** Null: the one of the last `up`, so that a restart never moves what runs to another environment. */
  readonly environment: string | null;
  /** Called when control has to end: after `down`, or when it must not act any more. */
  readonly onStop: (error: unknown) => void;
}

export class Control {
  readonly ports: ControlPorts;
  readonly ledger: Ledger;
  readonly fleet: Fleet;
  readonly traffic: TrafficDirector;
  readonly window = new TrafficWindow();
  readonly judge: JudgeDesk;
  readonly engine: Engine;
  readonly orders: Orders;
  readonly database: SchemaOffice;
  readonly flags: FlagOffice;
  readonly #desk: ReleaseDesk;
  readonly #guards: GuardDesk;
  readonly #office: CertificateOffice;
  readonly #options: ControlOptions;
  readonly startedAtMs: number;
  #project: Project;
  #gatewayPid: number | null = null;
  #gatewayUp = false;
  #stop: Promise<void> | null = null;

  private constructor(ports: ControlPorts, ledger: Ledger, project: Project, options: ControlOptions) {
    this.ports = ports;
    this.ledger = ledger;
    this.#project = project;
    this.#options = options;
    this.startedAtMs = ports.clock.nowMs();
    const spread = Number.parseInt(hashOf(ports.source.root).slice(0, 6), 16);
    const portBook = new PortBook(ports.runtime, ledger, () => this.#project.ports, spread);
    const onFault = (error: unknown) => this.#onFault(error);
    const rerouted = () => this.traffic.apply();
    const serviceOf = (name: string) => this.services.find((service) => service.name === name);
    const drainMsNow = (name: string) => drainMsOf(serviceOf(name));
    this.fleet = new Fleet({ ports, ledger, portBook, rerouted, drainMsOf: drainMsNow, onFault });
    const { fleet } = this;
    this.traffic = new TrafficDirector({
      ...{ ports, ledger, fleet, onFault },
      services: () => this.webs,
      settings: () => this.#settings(),
      flagsOf: (service) => this.flags.edgeOf(service),
      following: (service, rotation) => this.flags.raises.following(service, rotation),
      lowered: () => this.flags.desk.refresh(),
    });
    const { traffic } = this;
    const choices = () => this.#project.flags;
    this.flags = new FlagOffice({ ports, ledger, choices, onChange: () => this.traffic.refresh(), onFault });
    this.#office = new CertificateOffice({
      ...{ authority: ports.authority, clock: ports.clock },
      services: () => this.webs,
      choice: () => this.#project.gateway.acme,
      named: () => this.#project.gateway.certificates,
      states: () => ports.plane.report()?.certificates ?? [],
      apply: () => traffic.apply(),
    });
    const beforeEnd = async (release: ReleaseRecord) => {
      await this.judge.leave(release);
      await this.flags.raises.leave(release);
      await removeOldVersions(release, { ports, ledger, keep: this.#project.keep });
    };
    const fail = (release: string, error: SegueError) => this.engine.fail(release, error);
    this.#guards = new GuardDesk({ ports, ledger, fleet });
    this.judge = new JudgeDesk({ ports, ledger, guards: this.#guards, serviceOf, fail, onFault });
    const { judge, flags, window } = this;
    const { raises } = flags;
    const choice = () => this.#project.database;
    const services = () => this.services;
    const around = { services, choice, fail, flagsNeeding: (change: string) => raises.needing(change) };
    this.database = new SchemaOffice({ ports, ledger, window, ...around });
    const rollouts = flags.work({ judge, traffic });
    const work = { schema: this.database.work, judge, traffic, rollouts, flags: raises };
    this.engine = new Engine({ ...work, ports, ledger, fleet, serviceOf, beforeEnd, onFault });
    this.orders = new Orders({ clock: ports.clock, ledger, book: this.engine.book });
    const { engine, orders } = this;
    const isService = (name: string) => serviceOf(name) !== undefined;
    flags.releaseBy({ engine, orders, judge, services: () => this.webs, isService });
    const accept = (file: Project, service: string) => this.#accept(file, service);
    const parts = { ports, ledger, judge, accept, engine, schema: this.database.desk };
    this.#desk = new ReleaseDesk({ ...parts, flags: raises });
  }

  /** Reads what was remembered, finds what runs, puts the routing in force and goes on with what was under way. */
  static async start(ports: ControlPorts, options: ControlOptions): Promise<Control> {
    const ledger = await Ledger.open(ports.store, ports.clock);
    const environment = environmentOf(options.environment, ledger.setting(ENVIRONMENT_SETTING));
    const project = await ports.source.load(environment);
    refuseChangedKinds(project, ledger);
    const control = new Control(ports, ledger, project, { ...options, environment });
    await control.#start();
    return control;
  }

  async #start(): Promise<void> {
    const { plane, pid } = this.ports;
    const environment = this.#options.environment ?? '';
    await this.ledger.write(() => ({
      facts: [{ kind: 'control-started', pid, version: SEGUE_VERSION }],
      changes: [
        { put: 'setting', key: ENVIRONMENT_SETTING, value: environment },
        stickyKeySetting(this.ledger, this.ports.random),
      ],
    }));
    plane.onEvent((event) => {
      this.#onPlane(event).catch((error: unknown) => this.#onFault(error));
    });
    plane.onReport((report) => this.window.take(report));
    this.judge.follow();
    await this.flags.desk.start();
    await plane.open(this.ledger.fence);
    const isWanted = (service: string) => this.#isInFile(service);
    const onFault = (error: unknown) => this.#onFault(error);
    await recoverInstances({ fleet: this.fleet, ledger: this.ledger, isWanted, onFault });
    // In this order: what changes while the first routing is on its way must not be missed.
    this.traffic.followFleet();
    await this.traffic.apply();
    for (const release of this.ledger.activeReleases) await this.#resume(release);
    await this.flags.apply();
    void this.#office.run();
    void this.database.contracts.run();
  }

  #settings(): GatewaySettings {
    const { acme: _acme, certificates, ...choices } = this.#project.gateway;
    return {
      ...choices,
      certificates: [...certificates, ...this.#office.files],
      challenges: this.#office.challenges,
      stickyKey: stickyKeyOf(this.ledger),
    };
  }

  async #resume(release: ReleaseRecord): Promise<void> {
    await this.ledger.write(() => ({
      facts: [{ kind: 'release-resumed' }],
      changes: [],
      service: release.service,
      release: release.id,
    }));
    this.engine.run(release.id);
  }

  async #onPlane(event: PlaneEvent): Promise<void> {
    if (event.type === 'lost') {
      this.#gatewayUp = false;
      if (this.#stop === null) await this.#note({ kind: 'gateway-lost', detail: event.detail });
      return;
    }
    this.#gatewayUp = true;
    this.#gatewayPid = event.pid;
    if (event.type === 'started') return this.#note({ kind: 'gateway-started', pid: event.pid });
    this.traffic.startAfter(event.routing);
    await this.#note({ kind: 'gateway-adopted', pid: event.pid, routing: event.routing });
  }

  async #note(fact: Fact): Promise<void> {
    await this.ledger.write(() => ({ facts: [fact], changes: [] }));
  }

  /** Control cannot go on as it should, or must not (R7). Once it is ending anyway, that is all it does. */
  #onFault(error: unknown): void {
    if (this.#stop === null) this.#options.onStop(error);
  }

  get project(): Project {
    return this.#project;
  }

  /** Of segue.yaml, and those that left it and still run, as they were: nothing that serves ends by an edit. */
  get services(): readonly Service[] {
    const services = Object.values(this.#project.services);
    const running = new Set(this.ledger.instances.map((instance) => instance.service));
    const left = this.ledger.services.filter(({ name }) => running.has(name) && !this.#isInFile(name));
    return [...services, ...left.flatMap(({ name, stable }) => this.#lastForm(name, stable))];
  }

  /** Those that can have traffic. */
  get webs(): readonly WebService[] {
    return this.services.filter(isWeb);
  }

  #isInFile(name: string): boolean {
    return Object.hasOwn(this.#project.services, name);
  }

  #lastForm(name: string, stable: string | null): Service[] {
    const versions = this.ledger.versionsOf(name);
    const known = versions.find(({ version }) => version === stable) ?? versions.at(-1);
    return known ? [known.spec] : [];
  }

  get gateway(): GatewayStatus {
    return {
      up: this.#gatewayUp,
      pid: this.#gatewayPid,
      routing: this.traffic.inForce,
      workers: this.ports.plane.workers,
      certificates: [...(this.ports.plane.report()?.certificates ?? []), ...this.#office.troubles],
      countryFile: this.ports.plane.report()?.countryFile ?? null,
    };
  }

  /**
   * Reads segue.yaml again and puts into force what needs no release: addresses, routes, limits; and the gateway's
   * newest code, if it runs another version or `renewGateway` says so.
   */
  async apply(renewGateway: boolean): Promise<ApplyResponse> {
    this.#project = await this.#readFile();
    const { name, environment, services } = this.#project;
    const ack = await this.traffic.apply();
    const [failed] = ack.failed;
    if (failed) throw new SegueError(failed.code, failed.detail);
    await this.#checkGatewayFiles();
    await this.flags.apply();
    this.flags.refuseTrouble();
    await this.#note({ kind: 'file-applied', environment, services: Object.keys(services) });
    const gatewayRenewed = await this.ports.plane.upgrade(renewGateway);
    const applied = this.services.map((service) => this.#applied(service));
    return { project: name, environment, gatewayRenewed, services: applied };
  }

  /** What was in use before is still; a new one that is wrong is nothing to go on from in silence. */
  async #checkGatewayFiles(): Promise<void> {
    const { certificates, countryFile } = this.#project.gateway;
    if (certificates.length === 0 && countryFile === null) return;
    const report = await this.ports.plane.freshReport();
    const wrong = (report?.certificates ?? []).flatMap(({ trouble }) => trouble ?? []);
    if (wrong.length > 0) throw new SegueError('CERTIFICATE_REFUSED', wrong.join('; '));
    const trouble = report?.countryFile?.trouble ?? null;
    if (trouble !== null) throw new SegueError('COUNTRY_FILE_REFUSED', trouble);
  }

  #applied(service: Service): ApplyResponse['services'][number] {
    const { name, instances } = service;
    const { stable, wanted } = this.ledger.service(name);
    const notes: string[] = [];
    if (!this.#isInFile(name))
      notes.push('not in segue.yaml, and serves on as it was; "segue down" and "segue up" end it');
    else if (stable !== null && wanted !== instances)
      notes.push(`${count(wanted, 'instance')} now, ${instances} with the next release`);
    return { name, kind: kindOf(service), listen: listenOf(service), stable, notes };
  }

  async plan(request: DeployRequest): Promise<PlanResponse> {
    const [plan] = await this.#desk.plan(await this.#readFile(), [request]);
    if (!plan) throw new SegueError('UNEXPECTED', `no release of ${request.service} was planned`);
    return plan;
  }

  async planTogether({ services }: TogetherRequest): Promise<TogetherPlanResponse> {
    return { plans: await this.#desk.plan(await this.#readFile(), services) };
  }

  async deploy(request: DeployRequest): Promise<DeployResponse> {
    const [release] = await this.#desk.deploy(await this.#readFile(), [request], request.by);
    return { release: release ?? null };
  }

  async deployTogether({ services, by }: TogetherRequest): Promise<TogetherResponse> {
    return { releases: await this.#desk.deploy(await this.#readFile(), services, by) };
  }

  /** Back to an earlier version: turns a release that is under way, else makes a new one. */
  async rollback(name: string, request: RollbackRequest): Promise<DeployResponse> {
    const id = this.ledger.service(name).activeRelease;
    const active = id === null ? undefined : this.ledger.release(id);
    if (!active) {
      const [release] = await this.#desk.rollback(await this.#readFile(), [name], request);
      return { release: release ?? null };
    }
    const goesBackTo = request.to ?? active.from;
    if (isPromoted(active.state, active.plan.steps) || goesBackTo !== active.from)
      throw new SegueError('RELEASE_ACTIVE', `${active.id}, from ${active.from ?? '-'} to ${active.to}.`);
    const { by, reason } = request;
    return { release: await this.orders.abort(name, { by, reason: reason || 'rollback' }) };
  }

  /** With the services that it was last released together with; while that release runs, all of it. */
  async rollbackAll(name: string, word: Word): Promise<TogetherResponse> {
    const id = this.ledger.service(name).activeRelease;
    if (id !== null) {
      const { release } = await this.rollback(name, { to: null, ...word });
      return { releases: release ? [release] : [] };
    }
    const names = await this.#desk.releasedWith(name);
    return { releases: await this.#desk.rollback(await this.#readFile(), names, { to: null, ...word }) };
  }

  async serviceNames(): Promise<string[]> {
    return Object.keys((await this.#readFile()).services);
  }

  /** Without putting it into force: a plan changes nothing, nor does a release that is refused. */
  async #readFile(): Promise<Project> {
    const project = await this.ports.source.load(this.#options.environment);
    refuseChangedKinds(project, this.ledger);
    return project;
  }

  /** A release takes from the file what it says of its own service; the others wait for `apply`. */
  #accept(file: Project, name: string): void {
    const service = file.services[name];
    if (service) this.#project = { ...file, services: { ...this.#project.services, [name]: service } };
  }

  /** Ends control; with `instances`, the gateway and every instance, too, to be started again by the next `up`. */
  stop(instances: boolean): Promise<void> {
    this.#stop ??= this.#stopOnce(instances);
    return this.#stop;
  }

  async #stopOnce(instances: boolean): Promise<void> {
    try {
      this.engine.close();
      this.database.close();
      if (instances) await this.#restAll();
      await this.#note({ kind: 'control-stopped' });
      await this.close();
      this.#options.onStop(null);
    } catch (error) {
      this.#options.onStop(error);
      throw error;
    }
  }

  /** Whatever becomes of the gateway, no instance is left behind. */
  async #restAll(): Promise<void> {
    const drains = this.webs.map(({ traffic }) => traffic.drain.requestsMs);
    const [gateway] = await Promise.allSettled([this.ports.plane.stop(Math.max(0, ...drains))]);
    await this.fleet.rest();
    if (gateway.status === 'rejected') throw gateway.reason;
  }

  async close(): Promise<void> {
    this.#office.close();
    this.database.close();
    await this.flags.close();
    this.#guards.close();
    this.fleet.close();
    await this.ports.plane.close();
    await this.ports.runtime.close();
    await this.ports.store.close();
  }
}

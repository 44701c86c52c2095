/**
 * Reports of one or several members of a gateway (workers, older generations), kept as one. Members send what
 * changed; whoever asks here gets the whole, or again only what changed. A member that is gone leaves its counts
 * behind, so that no number ever falls (T5).
 */
import { limits } from '../limits.ts';
import type { CertificateState } from './certificates.ts';
import type { CountryFileState } from './country-file.ts';
import type {
  DirectCounts,
  FailureEvent,
  GatewayCounts,
  InstanceCounts,
  RunningCounts,
  ServiceCounts,
  TrafficReport,
} from './counts.ts';
import {
  buryGateway,
  buryInstance,
  buryService,
  mergeGateway,
  mergeInstance,
  mergeRunning,
  mergeService,
  mergeShadow,
  NO_GATEWAY_COUNTS,
} from './merge-counts.ts';
import { Rows } from './merged-rows.ts';
import { ASSIGNED, FLAGS } from './row-kinds.ts';
import { type ShadowCounts, shadowKey } from './shadow.ts';
import { countedBy, LONG_GONE, WorkerRows } from './worker-rows.ts';

export const EMPTY_REPORT: TrafficReport = {
  atMs: 0,
  routing: 0,
  whole: true,
  instances: [],
  services: [],
  assigned: [],
  shadows: [],
  flags: [],
  workers: null,
  running: [],
  failures: [],
  failuresMissed: 0,
  forgotten: [],
  certificates: [],
  countryFile: null,
  gateway: NO_GATEWAY_COUNTS,
  direct: [],
};

interface Member {
  readonly atMs: number;
  readonly routing: number;
  readonly workers: readonly string[] | null;
  readonly running: readonly RunningCounts[];
  readonly gateway: GatewayCounts;
  readonly certificates: readonly CertificateState[];
  readonly countryFile: CountryFileState | null;
  readonly direct: readonly DirectCounts[];
}

const BEFORE = 'before';

export class ReportBook {
  readonly #members = new Map<string, Member>();
  readonly #instances = new Rows<InstanceCounts>(mergeInstance, buryInstance);
  readonly #services = new Rows<ServiceCounts>(mergeService, buryService);
  readonly #assigned = new WorkerRows(ASSIGNED);
  readonly #shadows = new Rows<ShadowCounts>(mergeShadow, (counts) => counts);
  readonly #flags = new WorkerRows(FLAGS);
  #departed: GatewayCounts = NO_GATEWAY_COUNTS;
  #failures: FailureEvent[] = [];
  #missed = 0;
  #forgotten: string[] = [];

  /** A whole report takes the place of everything that this member said before. */
  take(member: string, report: TrafficReport): void {
    const { atMs, routing, workers, running, gateway, certificates, countryFile, direct } = report;
    const about = { atMs, routing, workers, running, gateway, certificates, countryFile, direct };
    this.#members.set(member, about);
    if (report.whole) for (const rows of [...this.#merged, ...this.#told]) rows.drop(member);
    for (const row of report.instances) this.#instances.put(member, row.instance, row);
    for (const row of report.services) this.#services.put(member, row.service, row);
    for (const row of report.assigned) this.#assigned.put(row);
    for (const row of report.shadows) this.#shadows.put(member, shadowKey(row), row);
    for (const row of report.flags) this.#flags.put(row);
    if (workers !== null) for (const rows of this.#told) rows.keepOnly(new Set(workers));
    for (const id of report.forgotten) this.#instances.forget(id);
    this.#forgotten.push(...report.forgotten);
    this.#failures.push(...report.failures);
    this.#missed += report.failuresMissed;
    const surplus = this.#failures.length - limits.gateway.failureEventsMax;
    if (surplus > 0) this.#missed += this.#failures.splice(0, surplus).length;
  }

  /** What members of the gateway before left behind. */
  inherit(departed: TrafficReport): void {
    this.take(BEFORE, countedBy(LONG_GONE, departed));
    for (const rows of this.#told) for (const worker of rows.workers) rows.bury(worker);
    this.bury(BEFORE);
  }

  /** All of which there are rows, those that are gone included. */
  get workers(): string[] {
    return [...new Set([...this.#members.keys(), ...this.#told.flatMap(({ workers }) => workers)])];
  }

  /** It is gone, politely or not. */
  bury(member: string): void {
    const gone = this.#members.get(member);
    if (!gone) return;
    this.#members.delete(member);
    this.#departed = mergeGateway(this.#departed, buryGateway(gone.gateway));
    for (const rows of [...this.#merged, ...this.#told]) rows.bury(member);
  }

  /** Everything but the failures: those go out once, with `changes`. */
  whole(): TrafficReport {
    return {
      ...this.#now(),
      whole: true,
      instances: this.#instances.all(),
      services: this.#services.all(),
      assigned: this.#assigned.all(),
      shadows: this.#shadows.all(),
      flags: this.#flags.all(),
    };
  }

  /** Of members that are gone. Whoever goes on counting needs it: no number may fall. */
  departed(): TrafficReport {
    return {
      ...EMPTY_REPORT,
      instances: this.#instances.departed(),
      services: this.#services.departed(),
      assigned: this.#assigned.departed(),
      shadows: this.#shadows.departed(),
      flags: this.#flags.departed(),
      gateway: this.#departed,
    };
  }

  /** What changed and what failed since the last call. */
  changes(): TrafficReport {
    const report: TrafficReport = {
      ...this.#now(),
      whole: false,
      instances: this.#instances.changes(),
      services: this.#services.changes(),
      assigned: this.#assigned.changes(),
      shadows: this.#shadows.changes(),
      flags: this.#flags.changes(),
      failures: this.#failures,
      failuresMissed: this.#missed,
      forgotten: this.#forgotten,
    };
    this.#failures = [];
    this.#missed = 0;
    this.#forgotten = [];
    return report;
  }

  get #merged() {
    return [this.#instances, this.#services, this.#shadows] as const;
  }

  /** Told apart by worker. */
  get #told() {
    return [this.#assigned, this.#flags] as const;
  }

  /** As old as its eldest part: of a routing that not all members run yet, it says nothing (R8). */
  #now() {
    const members = [...this.#members.values()];
    const least = (of: (member: Member) => number) => (members.length > 0 ? Math.min(...members.map(of)) : 0);
    return {
      ...EMPTY_REPORT,
      atMs: least(({ atMs }) => atMs),
      routing: least(({ routing }) => routing),
      workers: members.length === 1 ? (members[0]?.workers ?? null) : null,
      running: mergeRunning(members.map(({ running }) => running)),
      certificates: certificatesOf(members),
      countryFile: members.toSorted(byAge).at(-1)?.countryFile ?? null,
      direct: members.flatMap(({ direct }) => direct),
      gateway: members.map(({ gateway }) => gateway).reduce(mergeGateway, this.#departed),
    };
  }
}

const byAge = (a: Member, b: Member) => a.atMs - b.atMs;

/** All members serve the same ones; the one that reported last knows best. */
function certificatesOf(members: readonly Member[]): CertificateState[] {
  const newest = members.toSorted(byAge);
  const all = newest.flatMap(({ certificates }) =>
    certificates.map((each) => [each.certificate, each] as const),
  );
  return [...new Map(all).values()];
}

/**
 * Control's HTTP API on its unix socket: JSON in, JSON out, under `/v1`. Errors are `ApiError` with the HTTP
 * status of the error table; streams are JSON lines. A CLI of another version gets BAD_REQUEST with both
 * versions named rather than a half-understood answer.
 */
import * as z from 'zod';
import type { ErrorCode, Place } from '../core/errors.ts';
import type { GuardedJudgement } from '../core/judge/guarded-judgement.ts';
import type { RowReport } from '../core/judge/row-report.ts';
import type { Standing } from '../core/judge/standing.ts';
import type { Observation } from '../core/judge/observed.ts';
import type { WayBackNow } from '../core/release/way-back.ts';
import type { CertificateState } from '../core/traffic/certificates.ts';
import type { CountryFileState } from '../core/traffic/country-file.ts';
import type { Entry } from '../core/release/journal.ts';
import { EXTENTS } from '../core/release/gate.ts';
import type { Plan } from '../core/release/plan.ts';
import type { InstancePhase, ReleaseRecord } from '../core/release/records.ts';
import { VERSION_NAME, VERSION_NAME_RULE } from '../core/release/version-name.ts';
import type { RunningCounts } from '../core/traffic/counts.ts';
import type { ShadowCounts } from '../core/traffic/shadow.ts';
import type { Group } from '../core/traffic/split.ts';
import type { Flow, ServiceFlow } from '../core/traffic/traffic-window.ts';
import { limits } from '../core/limits.ts';
import type { ContractView, DatabaseStatus } from './database-api.ts';
import type { FlagsSummary } from './flag-api.ts';

export { API_HEADER, API_VERSION } from './api-version.ts';

export interface ApiError {
  readonly code: ErrorCode;
  readonly what: string;
  readonly detail: string;
  readonly next: string;
  readonly place: Place | null;
}

const versionName = z.string().regex(VERSION_NAME, VERSION_NAME_RULE);
const by = z.string().min(1).max(120);
const reason = z.string().max(limits.release.reasonCharsMax);

/** POST /v1/plan and POST /v1/releases. `dir` is absolute; null: `files.dir` of the service. */
export const deployRequest = z.strictObject({
  service: z.string(),
  version: versionName.nullable(),
  dir: z.string().nullable(),
  by,
});
export type DeployRequest = z.infer<typeof deployRequest>;
export type BuildRequest = Omit<DeployRequest, 'by'>;

/** POST /v1/together/plan and POST /v1/together: several services as one release. */
export const togetherRequest = z.strictObject({
  services: z
    .array(deployRequest.omit({ by: true }))
    .min(1)
    .max(limits.file.servicesMax)
    .refine((all) => new Set(all.map(({ service }) => service)).size === all.length, 'each service once'),
  by,
});
export type TogetherRequest = z.infer<typeof togetherRequest>;

/** POST /v1/services/:service/rollback. `to` null: the version that was stable before. */
export const rollbackRequest = z.strictObject({ to: versionName.nullable(), by, reason });

/** POST /v1/services/:service/rollback-all: with it, the services that it was last released together with. */
export const rollbackAllRequest = z.strictObject({ by, reason });
export type RollbackRequest = z.infer<typeof rollbackRequest>;

/** POST /v1/services/:service/{abort,pause,resume,approve}: said to the release under way. */
export const wordRequest = z.strictObject({ by, reason });
export type WordRequest = z.infer<typeof wordRequest>;

/** POST /v1/services/:service/promote: passes gates of the release under way. */
export const promoteRequest = z.strictObject({ by, reason, extent: z.enum(EXTENTS) });
export type PromoteRequest = z.infer<typeof promoteRequest>;

/** The release as it is after what was said. */
export interface OrderResponse {
  readonly release: ReleaseRecord;
}

/**
 * POST /v1/apply: read segue.yaml again and put into force what needs no release. A gateway of another version is
 * replaced; with `renewGateway`, any gateway.
 */
export const applyRequest = z.strictObject({ by, renewGateway: z.boolean().default(false) });

/** POST /v1/database/contract: a person's word that what only older versions used may go; `now`: what is kept of it, too. */
export const contractRequest = z.strictObject({
  change: z.string().min(1).max(limits.api.changeCharsMax),
  now: z.boolean(),
  by,
  reason,
});
export type ContractRequest = z.infer<typeof contractRequest>;

/** POST /v1/down. `instances` false leaves gateway and instances running (control alone ends). */
export const downRequest = z.strictObject({ by, instances: z.boolean() });

export interface PlanResponse {
  readonly plan: Plan;
  /** One line per step, as people read it. */
  readonly lines: readonly string[];
  /** True when the version serves already: there is nothing to release. */
  readonly serving: boolean;
}

export interface DeployResponse {
  /** Null when the version serves already and nothing had to be done. */
  readonly release: ReleaseRecord | null;
}

export interface TogetherPlanResponse {
  readonly plans: readonly PlanResponse[];
}

export interface TogetherResponse {
  /** Those that begin; none for a service whose version serves already. */
  readonly releases: readonly ReleaseRecord[];
}

export interface ApplyResponse {
  readonly project: string;
  readonly environment: string | null;
  /** The gateway was replaced by its newest code. */
  readonly gatewayRenewed: boolean;
  readonly services: readonly {
    readonly name: string;
    readonly kind: ServiceKind;
    /** Null: a worker. */
    readonly listen: string | null;
    readonly stable: string | null;
    readonly notes: readonly string[];
  }[];
}

/** GET /v1/status */
export interface StatusResponse {
  readonly project: string;
  readonly environment: string | null;
  readonly control: {
    readonly pid: number;
    readonly version: string;
    readonly startedAtMs: number;
    readonly fence: number;
  };
  readonly gateway: GatewayStatus;
  /** Why control cannot write its journal now (a full disk); null when all is well. */
  readonly trouble: string | null;
  /** Null: there are none. Left out by an older control. */
  readonly flags?: FlagsSummary | null;
  readonly services: readonly ServiceStatus[];
  /** Releases of flags that are under way; left out by an older control. */
  readonly rollouts?: readonly RolloutStatus[];
  /** Null: none is released with the code; left out by an older control. */
  readonly database?: DatabaseStatus | null;
}

export type RolloutStatus = Pick<ServiceStatus, 'standing'> & { readonly release: ReleaseSummary };

export interface GatewayStatus {
  readonly up: boolean;
  readonly pid: number | null;
  readonly routing: number | null;
  /** Its processes that clients are connected to. Those that do not serve end with their last connection. */
  readonly workers: readonly { readonly pid: number; readonly stage: 'serving' | 'released' | 'retiring' }[];
  readonly certificates: readonly CertificateState[];
  /** Null: no file says where clients are. */
  readonly countryFile: CountryFileState | null;
}

export type ServiceKind = 'web' | 'worker';

export interface ServiceStatus {
  readonly name: string;
  readonly kind: ServiceKind;
  /** Null: a worker. */
  readonly listen: string | null;
  readonly stable: string | null;
  readonly previous: string | null;
  readonly wanted: number;
  readonly holding: number;
  readonly instances: readonly InstanceStatus[];
  readonly release: ReleaseSummary | null;
  /** How the judge sees that release now; null: nothing is being judged. */
  readonly standing: Standing | null;
  /** What going back would take now; null: nothing to go back to, or nothing to say. Left out by an older control. */
  readonly back?: WayBackNow | null;
  /** The newest ended release. */
  readonly last: ReleaseSummary | null;
}

export interface InstanceStatus {
  readonly id: string;
  readonly version: string;
  readonly phase: InstancePhase;
  readonly ready: boolean;
  /**
   * `serving`: gets new requests now; `ejected`: it would, but it failed too many and is left out for a while. Workers:
   * `working`, and `draining` once they were told to stop.
   */
  readonly traffic: 'serving' | 'ejected' | 'preview' | 'draining' | 'working' | 'none';
  readonly port: number;
  readonly pid: number | null;
  readonly upMs: number;
  readonly crashes: number;
  readonly inFlight: number;
  readonly streams: number;
  readonly requests: number;
  readonly p99Ms: number | null;
  /** Why it is not ready, or which dependency fails. */
  readonly trouble: string | null;
}

/** GET /v1/traffic?service= */
export interface TrafficResponse {
  /** Of the gateway's newest report; null: there is none. */
  readonly atMs: number | null;
  /** Rates, shares and latencies are of what ended in this time up to `atMs`; 0: there is nothing to compare yet. */
  readonly windowMs: number;
  readonly gateway: StatusResponse['gateway'] & { readonly connections: number };
  /** Under way, by the routing that placed them. */
  readonly running: readonly RunningCounts[];
  readonly services: readonly ServiceTraffic[];
}

export interface ServiceTraffic extends ServiceFlow {
  readonly name: string;
  readonly listen: string;
  readonly holding: number;
  readonly versions: readonly VersionTraffic[];
  /** Copies that the candidate of a release gets now; null: none. */
  readonly shadow: ShadowTraffic | null;
}

/** Counts since the gateway started, of this version. */
export interface ShadowTraffic extends Omit<ShadowCounts, 'service' | 'copyLatency' | 'originalLatency'> {
  readonly percent: number;
  readonly methods: readonly string[];
  readonly bodies: boolean;
  /** Of pairs; null: there are none yet. */
  readonly copyP99Ms: number | null;
  readonly originalP99Ms: number | null;
}

export interface VersionTraffic {
  readonly version: string;
  readonly stable: boolean;
  /** In rotation, ready or not. */
  readonly instances: number;
  readonly inFlight: number;
  readonly streams: number;
  /** Those that had requests, `share` of all requests of the service. */
  readonly weights: readonly (Flow & {
    readonly group: Group | null;
    readonly percent: number | null;
    readonly share: number;
  })[];
}

/** A release that goes on only when a person says so. */
export interface Waiting {
  readonly for: 'resume' | 'approval' | 'evidence';
  /** Who made it wait and why, in words; null: the plan itself. */
  readonly why: string | null;
  /** The verb that lets it go on. */
  readonly next: string;
}

export interface ReleaseSummary {
  readonly id: string;
  readonly service: string;
  readonly kind: 'deploy' | 'rollback' | 'rollout';
  readonly strategy: string;
  /** The other services of the same release, and theirs. */
  readonly together: readonly { readonly release: string; readonly service: string }[];
  readonly from: string | null;
  readonly to: string;
  readonly by: string;
  readonly state: 'running' | 'going-back' | 'done' | 'stopped' | 'rolled-back' | 'stuck';
  /** For whom it waits; null while it goes on by itself. */
  readonly waiting: Waiting | null;
  /** The step under way, in words. */
  readonly step: string | null;
  readonly stepNumber: number;
  readonly stepCount: number;
  /** Of the requests, for the new version; null while they are not shared out by weight. */
  readonly percent: number | null;
  readonly why: string | null;
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
}

/** GET /v1/releases?service=&limit= */
export interface ReleasesResponse {
  readonly releases: readonly ReleaseSummary[];
}

/** GET /v1/services: those of segue.yaml as it is now, whether it is in force or not. */
export interface ServicesResponse {
  readonly services: readonly string[];
}

/** GET /v1/releases/:id */
export interface ReleaseResponse {
  readonly release: ReleaseRecord;
  readonly summary: ReleaseSummary;
  /** How the judge sees it now, in short and whole; null: nothing is being judged. */
  readonly standing: Standing | null;
  readonly judging: Judging | null;
  /** As of the service, while this is its newest release. Left out by an older control. */
  readonly back?: WayBackNow | null;
  /** The changes whose contracts come after this release, as they are now. Left out by an older control. */
  readonly contracts?: readonly ContractView[];
  /** The other releases of its group. */
  readonly companions: readonly ReleaseSummary[];
  readonly entries: readonly Entry[];
}

export interface Judging {
  /** Index of the step that began the stage, and since when it lasts. */
  readonly stage: number;
  readonly sinceMs: number;
  /** Requests of the candidate, over the stage; null: unknown. */
  readonly perSecond: number | null;
  readonly judgement: GuardedJudgement;
  /** What was counted in this stage, by weight and rule. */
  readonly rows: readonly Observation[];
  /** The same in figures for people. */
  readonly report: readonly RowReport[];
}

// GET /v1/releases/:id/events?after=SEQ: an `Entry` per line, ends after `release-ended`. A heartbeat is an empty line.

/** GET /v1/journal?after=SEQ&limit=N */
export interface JournalResponse {
  readonly entries: readonly Entry[];
}

/** GET /v1/logs?service=&instance=&lines=&follow=1: JSON lines. */
export interface LogLine {
  readonly instance: string;
  readonly line: string;
}

/** GET /v1/access?service=&instance=&lines=&follow=1: JSON lines, one for each request, as in the access log. */
export interface AccessLine {
  /** When it ended, ISO 8601. */
  readonly time: string;
  readonly service: string | null;
  readonly version: string | null;
  readonly instance: string | null;
  readonly routing: number | null;
  readonly client: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly query?: string;
  /** Null: no response was begun. */
  readonly status: number | null;
  /** `answered`, `broken`, `left`, or why the gateway answered by itself. */
  readonly outcome: string;
  readonly durationMs: number;
  readonly heldMs: number;
  readonly retries: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly requestId: string | null;
  readonly userAgent: string | null;
}

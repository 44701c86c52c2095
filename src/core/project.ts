import type { FlagChoices } from './flags/choices.ts';
import type { EdgeFlags } from './flags/edge.ts';
import type { JudgeChoice } from './judge/rules.ts';
import type { Policy } from './traffic/policy.ts';
import type { Match } from './traffic/rule.ts';
import type { ShadowShare } from './traffic/shadow.ts';
import type { Sticky } from './traffic/sticky.ts';
import type { GatewayChoices } from './traffic/settings.ts';

/** The user's file after parsing: every default applied, times in milliseconds. `wire/file` makes it. */
export interface Project {
  readonly name: string;
  readonly environment: string | null;
  readonly services: Readonly<Record<string, Service>>;
  readonly keep: Keep;
  /** Instances get their ports from here, both ends included. */
  readonly ports: { readonly from: number; readonly to: number };
  readonly gateway: GatewayChoices;
  /** Null: Segue does not look after one. */
  readonly database: DatabaseChoice | null;
  readonly flags: FlagChoices;
}

/** The database whose changes are released with the code. */
export interface DatabaseChoice {
  /** As written; `env:NAME` is looked up when it is used and is never recorded. */
  readonly url: string;
  /** The folder of the changes. */
  readonly changes: string;
  /** Those that use it; null: all. */
  readonly services: readonly string[] | null;
  readonly contract: {
    /** For so long nothing may need the old schema; null: and then a person says so. */
    readonly afterMs: number | null;
    /** Names of other programs that do not need the old schema. */
    readonly clients: readonly string[];
  };
}

/** How long old versions stay on disk. One that a rollback could need stays whatever this says. */
export interface Keep {
  readonly versions: number;
  readonly forMs: number;
}

export type Service = WebService | WorkerService;

/** It serves traffic. */
export interface WebService extends ServiceBase {
  readonly kind: 'web';
  readonly traffic: Traffic;
}

/** It drains jobs: nothing is routed to it, and it takes its work by itself. */
export interface WorkerService extends ServiceBase {
  readonly kind: 'worker';
  /** What its jobs get once it is told to stop; then it is killed. */
  readonly drainMs: number;
}

interface ServiceBase {
  readonly name: string;
  readonly run: Run;
  readonly files: { readonly dir: string; readonly ignore: readonly string[] };
  readonly instances: number;
  readonly health: Health;
  readonly strategy: StrategyChoice;
  /** Null: nobody judges. */
  readonly judge: JudgeChoice | null;
  readonly smoke: readonly SmokeTest[];
  /** Services that come first where several are released together. */
  readonly after: readonly string[];
}

/** Workers came later: a version that was kept before says nothing of its kind, and is a web service. */
export function isWorker(service: Service): service is WorkerService {
  return service.kind === 'worker';
}

export function isWeb(service: Service): service is WebService {
  return !isWorker(service);
}

export interface Run {
  /** A string of plain words is started directly, any other string by `sh -c`, a list as it is. */
  readonly command: string | readonly string[];
  /** Values as written; `env:NAME` is looked up when an instance starts and is never recorded. */
  readonly env: Readonly<Record<string, string>>;
  /** `withinMs` null: a worker's `drainMs` says it. */
  readonly stop: { readonly signal: StopSignal; readonly withinMs: number | null };
}

export type StopSignal = 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2';

export interface Listen {
  readonly host: string;
  readonly port: number;
}

export interface Route {
  /** Lower case, without port; `*.example.com` matches one or more labels; null matches every host. */
  readonly host: string | null;
  /** Prefix on whole path segments: `/api` matches `/api` and `/api/x`, not `/apix`. */
  readonly path: string;
}

export interface Tls {
  /** How long browsers are to use TLS only (RFC 6797); null: nothing is said. */
  readonly hstsMs: number | null;
}

/** What an instance speaks: HTTP/1.1, or HTTP/2 without TLS, as gRPC servers do. */
export type Protocol = 'http1' | 'h2c';

export interface Traffic {
  readonly listen: Listen;
  /** `direct`: instances accept from the public socket themselves, with no proxy in between. */
  readonly mode: 'gateway' | 'direct';
  /** Null: plain. */
  readonly tls: Tls | null;
  readonly protocol: Protocol;
  readonly routes: readonly Route[];
  readonly drain: { readonly requestsMs: number; readonly streamsMs: number };
  /** How long a request may wait when no instance is ready (T7). */
  readonly hold: { readonly forMs: number; readonly requestsMax: number };
  /** Longest wait for the first byte of a response. */
  readonly responseMs: number;
  readonly policy: Policy;
  /** A file beside segue.yaml whose text is the body of the answer during maintenance. */
  readonly maintenancePage: string | null;
  readonly sticky: Sticky | null;
  /** Flags that are evaluated for every request; null: none. */
  readonly flags: EdgeFlags | null;
  /** New instances get their full part of the requests only after this. */
  readonly slowStartMs: number;
}

export interface Health {
  readonly liveness: LivenessCheck | null;
  readonly readiness: ReadinessCheck;
  readonly dependencies: Readonly<Record<string, Check>>;
}

/** `http` paths are asked on the instance itself unless a whole URL is given. */
export type Check =
  | { readonly type: 'http'; readonly url: string }
  | { readonly type: 'path'; readonly path: string }
  | { readonly type: 'tcp'; readonly host: string | null; readonly port: number | null }
  | { readonly type: 'command'; readonly command: string | readonly string[] };

/** Instead of a question: it runs, and has for so long. Workers only. */
export interface RunsCheck {
  readonly type: 'runs';
  readonly forMs: number;
}

export interface LivenessCheck {
  readonly check: Check;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly failures: number;
}

export interface ReadinessCheck {
  readonly check: Check | RunsCheck;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Passes in a row before an instance may get traffic. */
  readonly successes: number;
  /** Failures in a row before a ready instance loses its traffic. */
  readonly failures: number;
  /** A new instance that is not ready after this ends its release. */
  readonly withinMs: number;
}

export type StrategyChoice = RollingChoice | BlueGreenChoice | CanaryChoice | AbChoice | HandoverChoice;

/** A flag that a release raises, at the point of its plan where it stands. */
export interface FlagRaise extends Gates {
  readonly flag: string;
  /** Null: the one that is called "on", or is true. */
  readonly variant: string | null;
  /** Of those who ask; null: as much as the new version has of the requests. */
  readonly percent: number | null;
}

interface Raising {
  /** Once the new version has all requests, before the bake; left out: none. */
  readonly flags?: readonly FlagRaise[];
}

export interface RollingChoice extends Raising {
  readonly type: 'rolling';
  /** Instances above the wanted number while the release runs. */
  readonly surge: number;
  /** Instances that may be missing from the wanted number while the release runs. */
  readonly unavailable: number;
  /** Instances replaced in one round; never more than surge and unavailable allow together. */
  readonly batch: number | null;
  readonly bakeMs: number;
}

export interface BlueGreenChoice extends Raising {
  readonly type: 'blue-green';
  /** Requests with this header and value, or that match, meet the candidate before the switch; null: no preview. */
  readonly preview: {
    readonly header: string;
    readonly value: string;
    readonly when: Match | null;
    readonly forMs: number;
  } | null;
  readonly bakeMs: number;
}

export interface CanaryChoice extends Raising {
  readonly type: 'canary';
  /** In the order in which they are passed; weights never fall. After the last one comes all of the traffic. */
  readonly stages: readonly Stage[];
  /** `shrink`: stable leaves as the candidate grows, for machines without room for two whole sets. */
  readonly stable: 'keep' | 'shrink';
  /** New instances of stable beside the candidate's, so that cold caches are compared with cold caches. */
  readonly baseline: boolean;
  readonly bakeMs: number;
}

export interface AbChoice extends Raising {
  readonly type: 'ab';
  /** The first that matches decides. */
  readonly rules: readonly AbRule[];
  readonly gates: Gates;
  /** `stop`: the version that served goes on, and the other one ends. */
  readonly end: 'promote' | 'stop';
  /** Of the new version, while the rules decide; null: as many as their shares need. */
  readonly instances: number | null;
  readonly bakeMs: number;
}

export interface AbRule {
  readonly name: string;
  readonly match: Match;
  /** So many of the requests that match meet the new version. */
  readonly percent: number;
}

/** A weight and its gates. */
export interface Stage extends Gates {
  /** In whole percents, from 1 to 100; 0 while the candidate gets copies only. */
  readonly weight: number;
  /** Null: no copies. */
  readonly shadow: ShadowShare | null;
  /** Raised at this weight; left out: none. */
  readonly flag?: Pick<FlagRaise, 'flag' | 'variant' | 'percent'>;
}

/** What has to be passed before more traffic moves (R3). */
export interface Gates {
  /** Zero: no time of its own. */
  readonly forMs: number;
  /** The judge has to find that the new version is not worse. */
  readonly evidence: boolean;
  /** A person has to say so. */
  readonly approve: boolean;
}

/** For programs of which two versions must not run at once: the old one ends before the new one begins. */
export interface HandoverChoice extends Raising {
  readonly type: 'handover';
  /** How long requests may wait before the old version is started again; null: what `hold` leaves beside that. */
  readonly withinMs: number | null;
  readonly bakeMs: number;
}

export type SmokeTest =
  | {
      readonly type: 'http';
      readonly method: string;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string | null;
      readonly expect: {
        readonly status: number | null;
        readonly contains: string | null;
        readonly headers: Readonly<Record<string, string>>;
      };
      readonly timeoutMs: number;
    }
  | { readonly type: 'command'; readonly command: string | readonly string[]; readonly timeoutMs: number };

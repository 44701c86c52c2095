import type { ErrorRecord } from '../errors.ts';
import type { Service } from '../project.ts';
import type { Rotation } from '../traffic/rotation.ts';
import type { Member } from './group.ts';
import type { Plan } from './plan.ts';
import type { CountBaseline, Receipt } from './receipt.ts';
import type { ReleaseState } from './state.ts';

/** What Segue remembers, as it is now. The journal says how it came to be so. */
export interface ServiceRecord {
  readonly name: string;
  readonly stable: string | null;
  /** The version that was stable before: where `segue rollback` goes. */
  readonly previous: string | null;
  readonly wanted: number;
  readonly rotation: Rotation;
  readonly activeRelease: string | null;
}

/** A version is immutable; `spec` is the service's configuration as it was when the version was made. */
export interface VersionRecord {
  readonly service: string;
  readonly version: string;
  /** Over files and configuration together. */
  readonly digest: string;
  readonly filesDigest: string;
  readonly files: number;
  readonly bytes: number;
  readonly spec: Service;
  readonly keptAtMs: number;
  readonly removed: boolean;
  /** The changes of the database that were in its folder when it was made (R6); left out: it was made before all. */
  readonly changes?: readonly string[];
}

/** What a runtime needs to find an instance again; only its driver reads it. */
export type Mark = Readonly<Record<string, string | number>>;

/**
 * `starting`: also while a crashed one waits for its restart. `resting`: stopped by `segue down`, or about to
 * be, and to be started again by the next `segue up`.
 */
export type InstancePhase = 'starting' | 'running' | 'stopping' | 'stopped' | 'resting';

export interface InstanceRecord {
  readonly id: string;
  readonly service: string;
  readonly version: string;
  readonly release: string;
  readonly phase: InstancePhase;
  readonly host: string;
  readonly port: number;
  /** SHA-256 of the secret in the instance's environment; the secret itself is kept nowhere. */
  readonly secretHash: string;
  readonly mark: Mark | null;
  /** It was ready once: from then on it is kept alive, and not an instance that failed to start. */
  readonly wasReady: boolean;
  /** This run of it was ready when that was last written: a later control may believe it until it has looked. */
  readonly ready: boolean;
  /** How long it took to get ready for the first time, if that was seen. */
  readonly readyAfterMs?: number;
  /** In a row. */
  readonly crashes: number;
  /** How often it was started again, all in all; absent: never. */
  readonly restarts?: number;
  /** When this run of it was told to stop, where that takes long; left out or null: it was not. */
  readonly toldAtMs?: number | null;
  readonly createdAtMs: number;
}

export interface ReleaseRecord {
  readonly id: string;
  /** What is released: of a flag `flag:` and its name, which no service can have. */
  readonly service: string;
  readonly kind: 'deploy' | 'rollback' | 'rollout';
  readonly by: string;
  readonly from: string | null;
  readonly to: string;
  readonly plan: Plan;
  readonly state: ReleaseState;
  /** What the gateway had counted when the release began; the receipt is the difference. */
  readonly baseline: readonly CountBaseline[];
  /** The services that are finished or taken back as one, this one included; absent: it is alone. */
  readonly group?: readonly Member[];
  readonly startedAtMs: number;
  readonly endedAtMs: number | null;
  readonly receipt: Receipt | null;
}

/** Why a release went back or got stuck; null when it did neither. */
export function causeOf(release: ReleaseRecord): ErrorRecord | null {
  return release.state.phase === 'forward' ? null : release.state.cause;
}

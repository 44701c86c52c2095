import type { Mark } from '../core/release/records.ts';
import type { StopSignal } from '../core/project.ts';
import type { DirectPlace } from './socket-keeper.ts';

/** All that is needed to start one instance. `env` is complete: nothing else is passed on. */
export interface InstanceSpec {
  readonly id: string;
  readonly secret: string;
  readonly dir: string;
  readonly command: string | readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Left out or null: all its traffic comes from the gateway. */
  readonly direct?: DirectPlace | null;
}

export interface InstanceIdentity {
  readonly id: string;
  /** SHA-256, hexadecimal, of the secret that the instance was started with. */
  readonly secretHash: string;
  /** Null when a crash came between start and record: the runtime then looks for the secret. */
  readonly mark: Mark | null;
  /** As when it was started. */
  readonly direct?: DirectPlace | null;
}

export interface InstanceExit {
  readonly id: string;
  readonly code: number | null;
  readonly signal: string | null;
}

/** What everything that belongs to an instance uses together. */
export interface Usage {
  /** Since it was started. What it did in processes that ended unasked-for is lost. */
  readonly cpuMs: number;
  /** Resident now; what its processes share counts for each of them. */
  readonly rssBytes: number;
}

export interface StopOrder {
  readonly signal: StopSignal;
  readonly withinMs: number;
  /** It has had the signal from an earlier control: its end is waited for, and it is not told again. */
  readonly told?: boolean;
  /** Called when the signal has been sent. */
  readonly onTold?: () => void;
}

export interface StopReport {
  /** `gone`: it was not running. `failed`: it survived SIGKILL for as long as the limit. */
  readonly how: 'signal' | 'kill' | 'gone' | 'failed';
  readonly tookMs: number;
}

/**
 * Where instances run. They live and die apart from control: a runtime finds them again after a restart.
 * Every method can be called again with the same arguments.
 */
export interface Runtime {
  readonly name: string;
  /** Starts it, or finds it running by its secret. Throws COMMAND_NOT_FOUND, SPAWN_FAILED. */
  start(spec: InstanceSpec): Promise<Mark>;
  /** Takes up an instance that an earlier control started; null when it does not run any more. */
  adopt(identity: InstanceIdentity): Promise<Mark | null>;
  /** Signal, then after `withinMs` SIGKILL, to everything the instance started. Takes only known instances. */
  stop(id: string, how: StopOrder): Promise<StopReport>;
  /** Called once for each started or adopted instance that ends without `stop`. */
  onExit(listener: (exit: InstanceExit) => void): () => void;
  /** Address and ports on which the instance listens, as far as the system says; null: unknown. */
  listening(id: string): Promise<readonly number[] | null>;
  /** Of those that run; one that is not known, or cannot be looked into, is left out (R8). */
  usage(ids: readonly string[]): Promise<ReadonlyMap<string, Usage>>;
  portIsFree(port: number): Promise<boolean>;
  /** The last lines, then with `follow` each new one until the signal. */
  logs(
    id: string,
    options: { readonly lines: number; readonly follow: boolean; readonly signal: AbortSignal },
  ): AsyncIterable<string>;
  /** Frees what is held for an instance that is gone for good: its log files go by count. */
  forget(id: string): Promise<void>;
  /** Lets go of everything and leaves the instances running. */
  close(): Promise<void>;
}

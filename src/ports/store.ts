import type { EvidenceRecord } from '../core/judge/evidence.ts';
import type { PastRecord } from '../core/judge/past-book.ts';
import type { InstanceRecord, ReleaseRecord, ServiceRecord, VersionRecord } from '../core/release/records.ts';
import type { Entry, NewEntry } from '../core/release/journal.ts';

/** One change of what is remembered; written together with the entry that explains it, or not at all. */
export type Change =
  | { readonly put: 'service'; readonly record: ServiceRecord }
  | { readonly put: 'version'; readonly record: VersionRecord }
  | { readonly put: 'instance'; readonly record: InstanceRecord }
  | { readonly put: 'release'; readonly record: ReleaseRecord }
  /** Null: the release has ended, and nothing has to be gathered any more. */
  | { readonly put: 'evidence'; readonly release: string; readonly record: EvidenceRecord | null }
  | { readonly put: 'past'; readonly record: PastRecord }
  | { readonly put: 'setting'; readonly key: string; readonly value: string };

/** Everything that control holds in memory, as it was last written. Ended releases and stopped instances are left out. */
export interface Remembered {
  readonly services: readonly ServiceRecord[];
  readonly versions: readonly VersionRecord[];
  readonly instances: readonly InstanceRecord[];
  readonly releases: readonly ReleaseRecord[];
  readonly evidence: readonly EvidenceRecord[];
  readonly pasts: readonly PastRecord[];
  readonly settings: Readonly<Record<string, string>>;
  /** How many releases were ever begun: the next is `r(count + 1)`. */
  readonly releaseCount: number;
}

export interface EntryQuery {
  readonly release?: string;
  readonly service?: string;
  /** Of facts of this kind only. */
  readonly kind?: string;
  readonly afterSeq?: number;
  readonly limit?: number;
  /** The newest ones instead of the oldest; still returned in order. */
  readonly last?: boolean;
}

/**
 * The durable memory. One open store per project: opening takes the lock (CONTROL_RUNNING when it is taken)
 * and raises the fence, and a store that was fenced out refuses every write (R7: FENCED_OUT).
 */
export interface Store {
  readonly fence: number;
  load(): Promise<Remembered>;
  /** One durable transaction; the entries come back with their numbers. Throws DISK_FULL, FENCED_OUT. */
  commit(entries: readonly NewEntry[], changes: readonly Change[]): Promise<readonly Entry[]>;
  entries(query: EntryQuery): Promise<readonly Entry[]>;
  /** Newest first. */
  releases(query: { readonly service?: string; readonly limit?: number }): Promise<readonly ReleaseRecord[]>;
  release(id: string): Promise<ReleaseRecord | null>;
  close(): Promise<void>;
}

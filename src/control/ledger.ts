/**
 * Control's memory: what was last written to the store, and the only way to change it. A change and the
 * journal entry that explains it are one transaction, and memory follows only after it is durable, so what
 * control believes is never ahead of what it would find after a crash (R5).
 */
import { SegueError } from '../core/errors.ts';
import type { EvidenceRecord } from '../core/judge/evidence.ts';
import type { PastRecord } from '../core/judge/past-book.ts';
import { limits } from '../core/limits.ts';
import type { Entry, Fact, NewEntry } from '../core/release/journal.ts';
import type { InstanceRecord, ReleaseRecord, ServiceRecord, VersionRecord } from '../core/release/records.ts';
import { EMPTY_ROTATION } from '../core/traffic/rotation.ts';
import type { Clock } from '../ports/clock.ts';
import type { Change, Store } from '../ports/store.ts';

export interface Writing {
  readonly facts: readonly Fact[];
  readonly changes: readonly Change[];
  readonly service?: string | null;
  readonly release?: string | null;
  /** What becomes true in the same transaction, with the releases that it is about. */
  readonly with?: readonly Writing[];
}

type Follower = (entry: Entry) => void;

export class Ledger {
  readonly fence: number;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #services = new Map<string, ServiceRecord>();
  readonly #versions = new Map<string, VersionRecord>();
  readonly #instances = new Map<string, InstanceRecord>();
  readonly #releases = new Map<string, ReleaseRecord>();
  readonly #evidence = new Map<string, EvidenceRecord>();
  readonly #pasts = new Map<string, PastRecord>();
  readonly #settings = new Map<string, string>();
  readonly #followers = new Set<Follower>();
  #releaseCount = 0;
  #last: Promise<unknown> = Promise.resolve();
  /** Set while writes fail for want of space; shown in the status. */
  trouble: string | null = null;

  private constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
    this.fence = store.fence;
  }

  static async open(store: Store, clock: Clock): Promise<Ledger> {
    const ledger = new Ledger(store, clock);
    const remembered = await store.load();
    for (const record of remembered.services) ledger.#services.set(record.name, record);
    for (const record of remembered.versions)
      ledger.#versions.set(versionKey(record.service, record.version), record);
    for (const record of remembered.instances) ledger.#instances.set(record.id, record);
    for (const record of remembered.releases) ledger.#releases.set(record.id, record);
    for (const record of remembered.evidence) ledger.#evidence.set(record.release, record);
    for (const record of remembered.pasts) ledger.#pasts.set(record.service, record);
    for (const [key, value] of Object.entries(remembered.settings)) ledger.#settings.set(key, value);
    ledger.#releaseCount = remembered.releaseCount;
    return ledger;
  }

  /**
   * One durable change. `compose` runs when all earlier writes are in memory, so it may read and then
   * decide; returning null writes nothing.
   */
  write(compose: () => Writing | null): Promise<readonly Entry[]> {
    const result = this.#last.then(async () => {
      const writing = compose();
      return writing ? this.#commit(writing) : [];
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #commit(writing: Writing): Promise<readonly Entry[]> {
    const atMs = this.#clock.nowMs();
    const all = [writing, ...(writing.with ?? [])];
    const entries = all.flatMap(({ facts, service = null, release = null }) =>
      facts.map((fact): NewEntry => ({ atMs, fact, service, release })),
    );
    const changes = all.flatMap((each) => each.changes);
    const written = await this.#commitPatiently(entries, changes);
    for (const change of changes) this.#remember(change);
    for (const entry of written) for (const follower of this.#followers) follower(entry);
    return written;
  }

  /** A full disk passes: what serves goes on serving while the write waits. */
  async #commitPatiently(
    entries: readonly NewEntry[],
    changes: readonly Change[],
  ): Promise<readonly Entry[]> {
    for (let tries = 0; ; tries += 1) {
      try {
        const written = await this.#store.commit(entries, changes);
        this.trouble = null;
        return written;
      } catch (error) {
        const full = error instanceof SegueError && error.code === 'DISK_FULL';
        if (!full || tries >= limits.store.retriesMax) throw error;
        this.trouble = error.message;
        await this.#clock.sleep(limits.store.retryMs);
      }
    }
  }

  #remember(change: Change): void {
    switch (change.put) {
      case 'service':
        this.#services.set(change.record.name, change.record);
        return;
      case 'version':
        this.#versions.set(versionKey(change.record.service, change.record.version), change.record);
        return;
      case 'instance':
        if (change.record.phase === 'stopped') this.#instances.delete(change.record.id);
        else this.#instances.set(change.record.id, change.record);
        return;
      case 'release':
        if (!this.#releases.has(change.record.id) && change.record.state.phase === 'forward')
          this.#releaseCount += 1;
        if (change.record.endedAtMs === null) this.#releases.set(change.record.id, change.record);
        else this.#releases.delete(change.record.id);
        return;
      case 'evidence':
        if (change.record) this.#evidence.set(change.release, change.record);
        else this.#evidence.delete(change.release);
        return;
      case 'past':
        this.#pasts.set(change.record.service, change.record);
        return;
      case 'setting':
        this.#settings.set(change.key, change.value);
    }
  }

  follow(follower: Follower): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  service(name: string): ServiceRecord {
    const known = this.#services.get(name);
    return (
      known ?? {
        name,
        stable: null,
        previous: null,
        wanted: 0,
        rotation: EMPTY_ROTATION,
        activeRelease: null,
      }
    );
  }

  get services(): ServiceRecord[] {
    return [...this.#services.values()];
  }

  version(service: string, version: string): VersionRecord | undefined {
    return this.#versions.get(versionKey(service, version));
  }

  get versions(): VersionRecord[] {
    return [...this.#versions.values()];
  }

  versionsOf(service: string): VersionRecord[] {
    return [...this.#versions.values()].filter((v) => v.service === service);
  }

  instance(id: string): InstanceRecord | undefined {
    return this.#instances.get(id);
  }

  /** All that are not stopped. */
  get instances(): InstanceRecord[] {
    return [...this.#instances.values()];
  }

  /** A release that has not ended. */
  release(id: string): ReleaseRecord | undefined {
    return this.#releases.get(id);
  }

  get activeReleases(): ReleaseRecord[] {
    return [...this.#releases.values()];
  }

  /** Of the release that begins next, or of one of several that begin together. */
  nextReleaseId(further = 0): string {
    return `r${this.#releaseCount + 1 + further}`;
  }

  /** What an active release is judged by, as it was last written. */
  evidence(release: string): EvidenceRecord | undefined {
    return this.#evidence.get(release);
  }

  /** The record of a service's stable version, as it was last written. */
  past(service: string): PastRecord | undefined {
    return this.#pasts.get(service);
  }

  setting(key: string): string | undefined {
    return this.#settings.get(key);
  }
}

function versionKey(service: string, version: string): string {
  return `${service}/${version}`;
}

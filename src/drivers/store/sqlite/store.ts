/**
 * The store on `node:sqlite`. Every write is one transaction that is on the disk before it is acknowledged,
 * and that looks at the fence inside (R7).
 */
import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { Entry, NewEntry } from '../../../core/release/journal.ts';
import type { ReleaseRecord } from '../../../core/release/records.ts';
import type { Change, EntryQuery, Remembered, Store } from '../../../ports/store.ts';
import { storeError } from './failure.ts';
import type { ControlLock } from './lock.ts';
import {
  entryOf,
  evidenceOf,
  instanceOf,
  integer,
  pastOf,
  releaseOf,
  type Row,
  serviceOf,
  settingOf,
  versionOf,
} from './rows.ts';
import { prepareStatements, type Statements } from './statements.ts';
import { inTransaction } from './transaction.ts';

interface Opened {
  readonly database: DatabaseSync;
  readonly path: string;
  readonly dir: string;
  readonly fence: number;
  readonly lock: ControlLock;
}

export class SqliteStore implements Store {
  readonly fence: number;
  readonly #opened: Opened;
  readonly #inode: number;
  readonly #run: Statements;
  #isOpen = true;

  constructor(opened: Opened) {
    this.fence = opened.fence;
    this.#opened = opened;
    this.#inode = statSync(opened.path).ino;
    this.#run = prepareStatements(opened.database);
  }

  async load(): Promise<Remembered> {
    return this.#guarded(() => ({
      services: this.#run.services.all().map(serviceOf),
      versions: this.#run.versions.all().map(versionOf),
      instances: this.#run.liveInstances.all().map(instanceOf),
      releases: this.#run.activeReleases.all().map(releaseOf),
      evidence: this.#run.evidence.all().map(evidenceOf),
      pasts: this.#run.pasts.all().map(pastOf),
      settings: Object.fromEntries(this.#run.settings.all().map(settingOf)),
      releaseCount: integer(this.#run.releaseCount.get(), 'count', 'release'),
    }));
  }

  async commit(entries: readonly NewEntry[], changes: readonly Change[]): Promise<readonly Entry[]> {
    return this.#guarded(() =>
      inTransaction(this.#opened.database, () => {
        this.#checkFence();
        for (const change of changes) this.#put(change);
        return entries.map((entry) => this.#append(entry));
      }),
    );
  }

  async entries(query: EntryQuery): Promise<readonly Entry[]> {
    const conditions = ['seq > ?'];
    const values: (string | number)[] = [query.afterSeq ?? 0];
    for (const column of ['release', 'service', 'kind'] as const) {
      const value = query[column];
      if (value === undefined) continue;
      conditions.push(`${column} = ?`);
      values.push(value);
    }
    values.push(page(query.limit, limits.store.entriesPerPageMax));
    return this.#guarded(() => {
      const rows = this.#opened.database
        .prepare(
          `SELECT * FROM journal WHERE ${conditions.join(' AND ')}
           ORDER BY seq ${query.last === true ? 'DESC' : 'ASC'} LIMIT ?`,
        )
        .all(...values)
        .map(entryOf);
      return query.last === true ? rows.toReversed() : rows;
    });
  }

  async releases(query: {
    readonly service?: string;
    readonly limit?: number;
  }): Promise<readonly ReleaseRecord[]> {
    const limit = page(query.limit, limits.store.releasesPerPageMax);
    return this.#guarded(() => {
      const rows: Row[] =
        query.service === undefined
          ? this.#run.releases.all(limit)
          : this.#run.releasesOf.all(query.service, limit);
      return rows.map(releaseOf);
    });
  }

  async release(id: string): Promise<ReleaseRecord | null> {
    return this.#guarded(() => {
      const row = this.#run.release.get(id);
      return row ? releaseOf(row) : null;
    });
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#opened.database.close();
    this.#opened.lock.release();
  }

  /** The lock keeps a second control out; the fence and the file itself show when the lock was got round. */
  #checkFence(): void {
    const { path } = this.#opened;
    if (statSync(path, { throwIfNoEntry: false })?.ino !== this.#inode)
      throw new SegueError('FENCED_OUT', `${path} was removed or replaced.`);
    const newest = integer(this.#run.fence.get(), 'fence', 'meta');
    if (newest !== this.fence)
      throw new SegueError('FENCED_OUT', `Its fence is ${newest}, the one of this control is ${this.fence}.`);
  }

  #append(entry: NewEntry): Entry {
    const { atMs, release, service, fact } = entry;
    const row = this.#run.append.get(atMs, this.fence, release, service, fact.kind, JSON.stringify(fact));
    return { ...entry, seq: integer(row, 'seq', 'journal'), fence: this.fence };
  }

  #put(change: Change): void {
    if (change.put === 'setting') {
      this.#run.putSetting.run(change.key, change.value);
      return;
    }
    if (change.put === 'evidence') {
      if (change.record === null) this.#run.dropEvidence.run(change.release);
      else this.#run.putEvidence.run(change.release, JSON.stringify(change.record));
      return;
    }
    const data = JSON.stringify(change.record);
    switch (change.put) {
      case 'service':
        this.#run.putService.run(change.record.name, data);
        return;
      case 'version': {
        const { service, version, keptAtMs } = change.record;
        this.#run.putVersion.run(service, version, keptAtMs, data);
        return;
      }
      case 'instance': {
        const { id, service, phase } = change.record;
        this.#run.putInstance.run(id, service, phase, data);
        return;
      }
      case 'release': {
        const { id, service, startedAtMs, endedAtMs } = change.record;
        this.#run.putRelease.run(id, service, startedAtMs, endedAtMs, data);
        return;
      }
      case 'past':
        this.#run.putPast.run(change.record.service, data);
        return;
    }
  }

  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storeError(error, this.#opened.dir);
    }
  }
}

function page(asked: number | undefined, max: number): number {
  return Math.max(0, Math.min(asked ?? max, max));
}

/**
 * Opens the memory of a project: takes the lock, looks before it writes, brings the schema up to date and
 * raises the fence (R7).
 */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { limits } from '../../../core/limits.ts';
import type { Store } from '../../../ports/store.ts';
import { JOURNAL, STATE_DIR } from '../../../wire/paths.ts';
import { storeError } from './failure.ts';
import { ControlLock } from './lock.ts';
import { createPrivateDir, createPrivateFile } from './private-file.ts';
import { integer } from './rows.ts';
import { checkVersion, migrate } from './schema.ts';
import { SqliteStore } from './store.ts';

/**
 * Throws CONTROL_RUNNING, JOURNAL_NEWER, JOURNAL_DAMAGED, DISK_FULL, DIRECTORY_READ_ONLY; whatever it throws,
 * nothing stays open or locked.
 */
export async function openSqliteStore(options: { readonly root: string }): Promise<Store> {
  const dir = join(options.root, STATE_DIR);
  try {
    createPrivateDir(dir);
    const lock = new ControlLock(dir);
    try {
      return openLocked(join(options.root, JOURNAL), dir, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  } catch (error) {
    throw storeError(error, dir);
  }
}

function openLocked(path: string, dir: string, lock: ControlLock): SqliteStore {
  inspect(path);
  createPrivateFile(path);
  const database = new DatabaseSync(path, { timeout: limits.store.busyTimeoutMs });
  try {
    // FULL: a commit that was acknowledged survives the loss of power, not only the death of control.
    database.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA journal_size_limit = ${limits.store.walBytesMax};
    `);
    migrate(database);
    return new SqliteStore({ database, path, dir, fence: raiseFence(database), lock });
  } catch (error) {
    database.close();
    throw error;
  }
}

/**
 * A journal of a newer Segue, and what is no journal at all, is refused before a byte of it is written.
 * `immutable` makes SQLite leave even its side files alone, but blind for a write-ahead log: one that a crash
 * left behind is read the ordinary way.
 */
function inspect(path: string): void {
  if (!existsSync(path)) return;
  const url = pathToFileURL(path);
  if (!hasContent(`${path}-wal`)) url.searchParams.set('immutable', '1');
  const database = new DatabaseSync(url, { readOnly: true });
  try {
    checkVersion(database);
  } finally {
    database.close();
  }
}

function hasContent(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;
}

function raiseFence(database: DatabaseSync): number {
  const row = database.prepare('UPDATE meta SET fence = fence + 1 RETURNING fence').get();
  return integer(row, 'fence', 'meta');
}

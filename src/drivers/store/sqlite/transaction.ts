import type { DatabaseSync } from 'node:sqlite';

/** All of it or nothing. The write lock is taken first, so that what is read inside stays true until the end. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // On a full disk SQLite may have rolled back by itself (sqlite.org/lang_transaction.html).
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

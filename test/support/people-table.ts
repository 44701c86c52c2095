/** A table of two thousand people, a change of it, and a server for the tests of one file. */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { type ErrorCode, SegueError } from '../../src/core/errors.ts';
import { changeOf, type TestDatabase, testDatabase } from './database.ts';
import { type Postgres, startPostgres } from './postgres.ts';

export const NAME = '0001-change';
export const PEOPLE = `CREATE TABLE people (id serial PRIMARY KEY, name text); INSERT INTO people (name) SELECT 'n' || i FROM generate_series(1, 2000) AS i`;
export const rename = changeOf('operations: [{ renameColumn: { table: people, column: name, to: full } }]');

export type WithDatabase = (setup: string, work: (db: TestDatabase) => Promise<void>) => Promise<void>;

/** Of a server that is there as long as the file's tests run: a database for each piece of work. */
export function databases(): WithDatabase {
  let server: Postgres;
  before(async () => {
    server = await startPostgres();
  });
  after(() => server.stop());
  return async (setup, work) => {
    const db = await testDatabase(server, setup);
    try {
      await work(db);
    } finally {
      await db.close();
    }
  };
}

/** Whoever runs changes refused it, with this code and words. */
export const refused = (promise: Promise<unknown>, code: ErrorCode, detail: RegExp) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof SegueError, String(error));
    assert.equal(error.code, code, error.detail);
    assert.match(error.detail, detail);
    return true;
  });

/**
 * Bugs hunted: a statement of an application that fails or waits because of a change, a value that one version
 * writes and the other does not see, and rows that are not what they were after the way back. Every operation
 * goes forward, back and forward again under clients of both versions that never retry.
 */
import { after, before, describe, test } from 'node:test';
import { OPERATION_CASES } from '../support/database-cases.ts';
import { losesNothing } from '../support/database-operation.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';

let server: Postgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

describe('an operation loses nothing, forward, back and forward again', { concurrency: 2 }, () => {
  for (const each of OPERATION_CASES) test(each.name, () => losesNothing(server, each));
});

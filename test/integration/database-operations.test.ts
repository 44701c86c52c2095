/**
 * Bugs hunted: a statement of an application that fails or waits because of a change, a value that one version
 * writes and the other does not see, and rows that are not what they were after the way back. Every operation
 * goes forward, back and forward again under clients of both versions that never retry.
 */
import { after, before, describe, test } from 'node:test';
import { OPERATION_CASES, type OperationCase } from '../support/database-cases.ts';
import { losesNothing } from '../support/database-operation.ts';
import { binaries, type Postgres, startPostgres } from '../support/postgres.ts';

function against(from: 'system' | 'embedded' | undefined, cases: readonly OperationCase[]): void {
  let server: Postgres;
  before(async () => {
    server = await startPostgres(from ? { from } : {});
  });
  after(() => server.stop());
  for (const each of cases) test(each.name, () => losesNothing(server, each));
}

describe('an operation loses nothing, forward, back and forward again', { concurrency: 2 }, () =>
  against(undefined, OPERATION_CASES),
);

/** Those whose SQL has most of what differs between versions of the server. */
const NEWEST = [/^change a type/, /^set and drop NOT NULL/, /^add unique/, /^an enum value/];

if (binaries('embedded') !== binaries())
  describe('nor on the server that comes as a dependency, which is newer', { concurrency: 2 }, () =>
    against(
      'embedded',
      OPERATION_CASES.filter(({ name }) => NEWEST.some((words) => words.test(name))),
    ),
  );

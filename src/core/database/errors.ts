/** Its part of the one table of errors. */
import { type ErrorKind, kind } from '../error-kind.ts';
import { REHEARSAL_ERRORS } from './rehearsal/errors.ts';

export const DATABASE_ERRORS = {
  DATABASE_NOT_CONFIGURED: kind(
    2,
    400,
    'It is not known which database is meant.',
    'Set DATABASE_URL, add "database: { url: env:DATABASE_URL }" to segue.yaml, or give --url.',
  ),
  CHANGE_INVALID: kind(2, 400, 'A change of the database is not valid.', 'Correct the places named.'),
  CHANGE_UNKNOWN: kind(2, 404, 'There is no such change.', 'Run "segue database status" to see the names.'),
  CHANGE_NONE: kind(
    5,
    409,
    'There is no change to do this with.',
    'Run "segue database status" to see where each change is; name one to do it again.',
  ),
  CHANGE_IMPOSSIBLE: kind(
    5,
    409,
    'The change cannot be made to this database.',
    'Correct the change; nothing was done to the database.',
  ),
  CHANGE_EDITED: kind(
    5,
    409,
    'The change was edited after it ran.',
    'Put back what it said, or run "segue database revert" first; what is to be different goes into a new change.',
  ),
  CHANGE_ORDER: kind(
    5,
    409,
    'The change cannot do this now.',
    'Run "segue database status" to see where each change is.',
  ),
  CHANGE_LOSES_DATA: kind(
    5,
    409,
    'Going back would throw data away.',
    'Save it elsewhere, or run it again with --drop-data.',
  ),
  DATABASE_UNREACHABLE: kind(
    1,
    503,
    'The database does not answer.',
    'Check the address. What was recorded as done is done; run the same again when it answers.',
  ),
  DATABASE_UNSUPPORTED: kind(
    5,
    409,
    'This server cannot be used.',
    'PostgreSQL 13 or newer is needed, and a server that takes writes; a pooler before it has to keep transactions whole.',
  ),
  DATABASE_FORBIDDEN: kind(
    5,
    403,
    'The role may not do this in the database.',
    'Check user and password. Connect as the owner of the tables; it needs CREATE on the database once, for the schema segue.',
  ),
  DATABASE_NOT_ADOPTED: kind(
    5,
    409,
    'The database has tables, and Segue knows nothing of them yet.',
    'Run "segue database adopt" once.',
  ),
  DATABASE_BUSY: kind(
    5,
    409,
    'Another run changes this database.',
    'Wait for its end, then run the same again.',
  ),
  DATABASE_LOCKED: kind(
    1,
    503,
    'A lock could not be had in time.',
    'End the transactions named, or wait for them; then run the same again: it goes on where it stopped.',
  ),
  DATABASE_STATEMENT_FAILED: kind(
    1,
    500,
    'The database refused a statement.',
    'Correct the change or the rows; run "segue database revert", or the same again: it goes on where it stopped.',
  ),
  DATABASE_FULL: kind(
    1,
    507,
    'The database has no space left.',
    'Make space, then run the same again: it goes on where it stopped. Nothing that was recorded is lost.',
  ),
  DATABASE_NO_KEY: kind(
    5,
    409,
    'The table has no key by which its rows could be gone through.',
    'Add a primary key, or a unique index over NOT NULL columns, in a change before this one.',
  ),
  BACKFILL_STOPPED: kind(
    4,
    409,
    'The backfill was stopped before its end.',
    'Run "segue database backfill" again: it goes on where it stopped.',
  ),
  ...REHEARSAL_ERRORS,
} as const satisfies Record<string, ErrorKind>;

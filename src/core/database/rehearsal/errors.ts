/** Its part of the one table of errors. */
import { type ErrorKind, kind } from '../../error-kind.ts';

export const REHEARSAL_ERRORS = {
  REHEARSAL_POOLED: kind(
    5,
    409,
    'A pooler in transaction mode stands before the database, and a rehearsal needs sessions of its own.',
    'Give the address of the database itself with --url, or that of a server for the copy with --on. Changes themselves may go through the pooler.',
  ),
  REHEARSAL_REFUSED: kind(
    5,
    403,
    'No copy can be made on this server.',
    'Give the role the right to create databases (ALTER ROLE ... CREATEDB), or name a server of your own with --on.',
  ),
  REHEARSAL_IN_USE: kind(
    5,
    409,
    'A database is copied whole only while nobody is connected to it.',
    'End the sessions named, or copy only the schema (--copy schema), or a dump (--copy FILE).',
  ),
  REHEARSAL_TOOL_MISSING: kind(
    5,
    409,
    'A program that the copy needs is not installed.',
    "Install PostgreSQL's client programs, or use another --copy.",
  ),
  REHEARSAL_COPY_FAILED: kind(
    1,
    500,
    'The copy could not be made.',
    'Correct what is named, or use another --copy; the database itself was not touched.',
  ),
  REHEARSAL_DUMP_REFUSED: kind(
    5,
    409,
    'The dump would write to another database than the copy.',
    'Make it without --create (pg_dump, not pg_dumpall), or as --format=custom.',
  ),
  REHEARSAL_NOTHING: kind(
    5,
    409,
    'There is nothing to rehearse.',
    'Run "segue database status" to see where each change is.',
  ),
  REHEARSAL_NOT_RECORDED: kind(
    5,
    409,
    'The database keeps no record of its statements.',
    'Add pg_stat_statements to shared_preload_libraries, restart the server, and run CREATE EXTENSION pg_stat_statements there.',
  ),
  REHEARSAL_STOPPED: kind(
    4,
    409,
    'The rehearsal was stopped before its end.',
    'Run it again; its copy is dropped, and the database itself was not touched.',
  ),
} as const satisfies Record<string, ErrorKind>;

/** Its part of the one table of errors: releases that change the database. */
import { type ErrorKind, kind } from '../error-kind.ts';

export const SCHEMA_ERRORS = {
  SCHEMA_NOT_READ: kind(
    5,
    503,
    'The release was refused: where the changes of the database are could not be read.',
    'Nothing was changed. Run it again when the database answers; a rollback needs no answer.',
  ),
  ROLLBACK_PAST_CONTRACT: kind(
    5,
    409,
    'That version needs a schema that is not there any more.',
    'Do what is said of the change named, or release a version that was made with it in its folder of changes.',
  ),
  CHANGE_IN_USE: kind(
    5,
    409,
    'The change cannot be taken back: a version that was made with it is in use.',
    'Go back with "segue rollback" or "segue abort" first; then run the same again.',
  ),
  CONTRACT_REFUSED: kind(
    5,
    409,
    'The change cannot be contracted now.',
    'End what still needs the old schema, or name harmless programs in "database: { contract: { clients } }".',
  ),
} as const satisfies Record<string, ErrorKind>;

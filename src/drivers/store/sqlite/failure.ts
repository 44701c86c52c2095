import { accessSync, constants, statfsSync } from 'node:fs';
import { SegueError } from '../../../core/errors.ts';
import { diskError } from '../../disk-error.ts';

/** Primary result codes (sqlite.org/rescode.html); an extended code carries its primary one in the low byte. */
export const SQLITE = {
  PERM: 3,
  BUSY: 5,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  FORMAT: 24,
  NOTADB: 26,
} as const;

interface SqliteError extends Error {
  readonly errcode: number;
}

function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
}

export function primaryCode(error: unknown): number | undefined {
  return isSqliteError(error) ? error.errcode & 0xff : undefined;
}

/** What a failure of SQLite or of the file system under it means for the user. */
export function storeError(error: unknown, dir: string): unknown {
  if (!isSqliteError(error)) return diskError(error, dir);
  const because = { cause: error };
  switch (primaryCode(error)) {
    case SQLITE.FULL:
      return new SegueError('DISK_FULL', `While writing to ${dir}.`, because);
    case SQLITE.IOERR:
      // A quota, or a shared-memory file that cannot grow, is reported as a plain I/O error.
      if (isFull(dir)) return new SegueError('DISK_FULL', `While writing to ${dir}.`, because);
      break;
    case SQLITE.READONLY:
      return new SegueError('DIRECTORY_READ_ONLY', `${dir} cannot be written.`, because);
    case SQLITE.PERM:
    case SQLITE.CANTOPEN:
      if (!isWritable(dir))
        return new SegueError('DIRECTORY_READ_ONLY', `${dir} cannot be written.`, because);
      break;
    case SQLITE.CORRUPT:
    case SQLITE.FORMAT:
    case SQLITE.NOTADB:
      return new SegueError('JOURNAL_DAMAGED', `SQLite says: ${error.message}.`, because);
    default:
      break;
  }
  return new SegueError('UNEXPECTED', `SQLite says: ${error.message} (${error.errcode}).`, because);
}

function isFull(dir: string): boolean {
  try {
    return statfsSync(dir).bavail === 0;
  } catch {
    return false;
  }
}

function isWritable(dir: string): boolean {
  try {
    accessSync(dir, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

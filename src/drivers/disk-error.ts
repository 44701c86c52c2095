import { SegueError } from '../core/errors.ts';

/** The code of a system error (`ENOENT`), or undefined for any other error. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** What a failed write under `.segue` means for the user; every other error comes back as it is. */
export function diskError(error: unknown, path: string): unknown {
  switch (systemCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new SegueError('DISK_FULL', `While writing ${path}.`, { cause: error });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new SegueError('DIRECTORY_READ_ONLY', `${path} cannot be written.`, { cause: error });
    default:
      return error;
  }
}

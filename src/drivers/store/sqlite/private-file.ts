import { closeSync, mkdirSync, openSync } from 'node:fs';
import { systemCode } from '../../disk-error.ts';

/**
 * Creates an empty file for its owner only, which SQLite then takes over with these rights. One that exists
 * is not even opened: closing it would drop the locks that this process may hold on it (fcntl(2)).
 */
export function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

/** Only this folder, not those above it: a project that does not exist is not made up. */
export function createPrivateDir(path: string): void {
  try {
    mkdirSync(path, 0o700);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

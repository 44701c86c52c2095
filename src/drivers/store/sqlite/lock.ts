/**
 * One control per project (R7). The lock is an exclusive transaction on an empty SQLite file, that is a POSIX
 * lock: the kernel lets go of it when the process ends, however it ends, and no child inherits it (fcntl(2)).
 * Closing any other descriptor of the file would drop it, so nothing else in this process may open the file.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import { primaryCode, SQLITE } from './failure.ts';
import { createPrivateFile } from './private-file.ts';

const LOCK = 'control.lock';
const PID = 'control.pid';

export class ControlLock {
  readonly #file: DatabaseSync;
  readonly #pidPath: string;

  /** Throws CONTROL_RUNNING, naming the holder. */
  constructor(dir: string) {
    const path = join(dir, LOCK);
    this.#pidPath = join(dir, PID);
    createPrivateFile(path);
    this.#file = new DatabaseSync(path, { timeout: limits.store.lockWaitMs });
    try {
      // In memory: taking the lock must write nothing, so that it needs no space and leaves no journal.
      this.#file.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
      writeFileSync(this.#pidPath, `${process.pid}\n`, { mode: 0o600 });
    } catch (error) {
      this.#file.close();
      throw primaryCode(error) === SQLITE.BUSY ? this.#taken(path, error) : error;
    }
  }

  release(): void {
    rmSync(this.#pidPath, { force: true });
    this.#file.close();
  }

  #taken(path: string, cause: unknown): SegueError {
    const pid = readPid(this.#pidPath);
    const holder = pid === undefined ? 'Another process' : `Process ${pid}`;
    return new SegueError('CONTROL_RUNNING', `${holder} holds ${path}.`, { cause });
  }
}

/** Only for the message: whoever holds the lock wrote it, but perhaps not yet. */
function readPid(path: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
    return Number.isNaN(pid) ? undefined : pid;
  } catch {
    return undefined;
  }
}

/** The control that releases a database with the code: whoever changes that database past it has to ask it first. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { SegueError } from '../core/errors.ts';
import type { DatabaseStatus } from '../wire/database-api.ts';
import { STATE_DIR } from '../wire/paths.ts';
import type { Input } from './input.ts';
import { openSession, type Session } from './session.ts';
import type { Shell } from './shell.ts';

export interface Releasing extends Session {
  readonly database: DatabaseStatus;
}

/**
 * Null: the database is not released by a control, or another one was named on the command line. Throws
 * CONTROL_NOT_RUNNING where there was one: nobody else knows what still runs.
 */
export async function releasingControl(input: Input, shell: Shell): Promise<Releasing | null> {
  if (input.value('url') !== null || input.value('changes') !== null) return null;
  const session = await openSession(input, shell).catch((error: unknown) => {
    if (isCode(error, 'FILE_MISSING')) return null;
    throw error;
  });
  if (session === null) return null;
  const status = await session.client.status().catch((error: unknown) => {
    if (!isCode(error, 'CONTROL_NOT_RUNNING') || existsSync(path.join(session.root, STATE_DIR))) throw error;
    return null;
  });
  return status?.database ? { ...session, database: status.database } : null;
}

function isCode(error: unknown, code: SegueError['code']): boolean {
  return error instanceof SegueError && error.code === code;
}

import type { ServerVersion } from '../../core/database/sql/server.ts';
import { SegueError } from '../../core/errors.ts';
import type { Input } from '../input.ts';

/** The oldest that its makers still mend. */
export const POSTGRES_DEFAULT: ServerVersion = { major: 14, minor: null };
const POSTGRES_OLDEST = 10;

export function versionGiven(input: Input): ServerVersion | null {
  const text = input.value('postgres');
  if (text === null) return null;
  const [, major, minor] = /^(\d{1,2})(?:\.(\d{1,2}))?$/.exec(text) ?? [];
  if (major === undefined || Number(major) < POSTGRES_OLDEST)
    throw new SegueError(
      'USAGE',
      `--postgres: expected a version from ${POSTGRES_OLDEST} on, such as 16 or 14.2, got "${text}".`,
    );
  return { major: Number(major), minor: minor === undefined ? null : Number(minor) };
}

import path from 'node:path';
import { SegueError } from '../core/errors.ts';
import { SOCKET_PATH_BYTES_MAX } from './paths.ts';

/**
 * How to name a unix socket to the system: relative to the working directory when that is shorter, because a
 * project may lie deeper than a socket's name may be long (unix(7)).
 */
export function socketPath(absolute: string, cwd: string): string {
  const relative = path.relative(cwd, absolute);
  const shorter = Buffer.byteLength(relative) < Buffer.byteLength(absolute) ? relative : absolute;
  if (Buffer.byteLength(shorter) > SOCKET_PATH_BYTES_MAX) {
    throw new SegueError('SOCKET_PATH_TOO_LONG', absolute);
  }
  return shorter;
}

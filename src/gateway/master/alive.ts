import { readFileSync } from 'node:fs';

/** Of a process that may not be a child of ours. One that has ended and waits to be looked at (a zombie) is not. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

import { execFileSync } from 'node:child_process';

/** The openssl program is there. */
export function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version']);
    return true;
  } catch {
    return false;
  }
}

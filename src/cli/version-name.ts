/** The name of a version: the user's, else the commit, if the folder is exactly that commit. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SegueError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { VERSION_NAME, VERSION_NAME_RULE } from '../core/release/version-name.ts';
import type { Input } from './input.ts';

const run = promisify(execFile);

export function versionIn(input: Input, flag: string): string | null {
  const name = input.value(flag);
  if (name === null || VERSION_NAME.test(name)) return name;
  throw new SegueError('USAGE', `--${flag}: expected ${VERSION_NAME_RULE}, got "${name}".`);
}

/** Null where git cannot tell; control then names the version after its digest. */
export async function commitOf(folder: string): Promise<string | null> {
  try {
    const changes = await git(folder, 'status', '--porcelain', '--', '.');
    if (changes !== '') return null;
    return (await git(folder, 'rev-parse', '--short', 'HEAD')) || null;
  } catch {
    return null;
  }
}

async function git(folder: string, ...words: string[]): Promise<string> {
  const { stdout } = await run('git', ['-C', folder, ...words], { timeout: limits.cli.gitTimeoutMs });
  return stdout.trim();
}

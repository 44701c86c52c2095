import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { SegueError } from '../../../core/errors.ts';

export interface Program {
  /** Absolute path of what is executed. */
  readonly file: string;
  readonly args: readonly string[];
}

export interface CommandPlace {
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What execvp(3) takes when PATH is not set. */
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';
const PLAIN_WORDS = /^[\w@%+=:,./ -]+$/;
/** Words that only a shell understands, as the first of a command. */
const SHELL_WORDS = new Set(['.', ':', 'cd', 'eval', 'exec', 'export', 'set', 'trap', 'ulimit', 'umask']);

/**
 * A list is taken as it is. Plain words are started directly, so that the stop signal meets the program and
 * not a shell before it; everything else is a shell's.
 */
export function wordsOf(command: string | readonly string[]): readonly string[] {
  if (typeof command !== 'string') return command;
  const words = command.split(' ').filter((word) => word !== '');
  const first = words[0] ?? '';
  const isPlain = PLAIN_WORDS.test(command) && !first.includes('=') && !SHELL_WORDS.has(first);
  return isPlain || words.length === 0 ? words : ['/bin/sh', '-c', command];
}

/** Finds the program before anything runs. Throws COMMAND_NOT_FOUND, or SPAWN_FAILED for what may not be run. */
export function resolveCommand(command: string | readonly string[], place: CommandPlace): Program {
  const [name, ...args] = wordsOf(command);
  if (!name) throw new SegueError('COMMAND_NOT_FOUND', 'The command is empty.');
  const candidates = name.includes('/')
    ? [resolve(place.dir, name)]
    : searchPath(place).map((folder) => join(folder, name));

  const found = candidates.filter(isFile);
  const file = found.find(isExecutable);
  if (file) return { file, args };
  if (found[0]) throw new SegueError('SPAWN_FAILED', `${found[0]} is not executable; try "chmod +x".`);
  const where = name.includes('/')
    ? candidates.join('')
    : `the folders of PATH (${searchPath(place).join(', ')})`;
  throw new SegueError('COMMAND_NOT_FOUND', `"${name}" was looked for in ${where}.`);
}

/** POSIX: an empty entry of PATH is the current folder, which is the instance's. */
function searchPath({ dir, env }: CommandPlace): readonly string[] {
  const entries = (env['PATH'] ?? DEFAULT_PATH).split(':');
  return [...new Set(entries.map((entry) => (isAbsolute(entry) ? entry : resolve(dir, entry))))];
}

/** A path that may not even be looked at is as good as none. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** What the database verbs begin with: which database, which folder; with a segue.yaml or without one. */
import path from 'node:path';
import type { Change } from '../core/database/change.ts';
import type { ChangeRunner, ChangeState, Watch } from '../core/database/runner.ts';
import { SegueError } from '../core/errors.ts';
import { parseDurationMs } from '../core/units.ts';
import type { DatabaseOptions } from '../ports/database.ts';
import type { Input } from './input.ts';
import { findRoot } from './project-root.ts';
import { checkedProject, readProjectText } from './project-text.ts';
import { watchDatabase } from './render/database-progress.ts';
import type { Shell } from './shell.ts';
import { type ArgumentSpec, ENVIRONMENT, type OptionSpec } from './verb.ts';

export const CHANGE: ArgumentSpec = {
  name: 'change',
  required: false,
  summary: 'name of its folder, or the number it begins with (default: the one whose turn it is)',
};

export const PLACE: readonly OptionSpec[] = [
  { flag: 'url', value: 'URL', summary: 'address of the database (default: segue.yaml, then $DATABASE_URL)' },
  {
    flag: 'changes',
    value: 'DIR',
    summary: 'folder of the changes (default: segue.yaml, then db/changes)',
    completes: 'folder',
  },
  ENVIRONMENT,
];

export const LOCKS: readonly OptionSpec[] = [
  {
    flag: 'lock-timeout',
    value: 'TIME',
    summary: 'wait no longer than this for a lock, then step back and try again (default: 500ms)',
  },
  { flag: 'lock-wait', value: 'TIME', summary: 'give up after trying for so long (default: 5m)' },
];

export interface DatabasePlace {
  readonly dir: string;
  readonly url: string | null;
}

export async function findPlace(input: Input, shell: Shell): Promise<DatabasePlace> {
  const root = await findRoot(shell.cwd, input.value('project')).catch((error: unknown) => {
    const unneeded =
      error instanceof SegueError && error.code === 'FILE_MISSING' && input.value('project') === null;
    if (unneeded) return null;
    throw error;
  });
  const project =
    root === null ? null : await checkedProject(await readProjectText(root), input.value('environment'));
  const given = input.value('changes');
  const dir =
    given === null
      ? path.resolve(root ?? shell.cwd, project?.database?.changes ?? 'db/changes')
      : path.resolve(shell.cwd, given);
  return { dir, url: urlOf(input.value('url') ?? project?.database?.url ?? 'env:DATABASE_URL', shell) };
}

export function urlOf(written: string, { env }: Shell): string | null {
  return written.startsWith('env:') ? (env[written.slice('env:'.length)] ?? null) : written;
}

export interface DatabaseSession {
  readonly runner: ChangeRunner;
  readonly changes: readonly Change[];
  readonly dir: string;
  readonly watch: Watch;
}

/** Opens the database for `work`, and closes it whatever becomes of that. */
export async function withDatabase<T>(
  input: Input,
  shell: Shell,
  work: (session: DatabaseSession) => Promise<T>,
): Promise<T> {
  const { dir, url } = await findPlace(input, shell);
  if (url === null || url === '')
    throw new SegueError(
      'DATABASE_NOT_CONFIGURED',
      'The variable that the address is taken from is not set.',
    );
  const changes = await shell.changes.read(dir);
  const runner = await shell.database.open(url, optionsOf(input));
  const watching = await watchDatabase(input, shell);
  try {
    return await work({ runner, changes, dir, watch: watching.watch });
  } finally {
    watching.close();
    await runner.close();
  }
}

function optionsOf(input: Input): DatabaseOptions {
  const lockTimeoutMs = timeOf(input, 'lock-timeout');
  const lockWaitMs = timeOf(input, 'lock-wait');
  return {
    ...(lockTimeoutMs === null ? {} : { lockTimeoutMs }),
    ...(lockWaitMs === null ? {} : { lockWaitMs }),
  };
}

export function timeOf(input: Input, flag: string): number | null {
  const value = input.value(flag);
  if (value === null) return null;
  const ms = parseDurationMs(value);
  if (ms !== undefined && ms >= 1 && ms <= 3_600_000) return ms;
  throw new SegueError('USAGE', `--${flag}: expected a time such as 500ms or 10s, got "${value}".`);
}

type Phases = ReadonlySet<ChangeState['phase']>;

/** The one named, or the first, or the last, that is in one of the phases; throws CHANGE_UNKNOWN. */
export async function chooseChange(
  input: Input,
  { runner, changes }: DatabaseSession,
  wanted: { readonly phases: Phases; readonly last?: boolean; readonly what: string },
): Promise<string> {
  const named = input.argument('change');
  const status = await runner.status(changes);
  if (named !== null)
    return matching(
      named,
      status.changes.map(({ name }) => name),
    );
  const fitting = status.changes.filter(({ phase }) => wanted.phases.has(phase));
  const found = wanted.last === true ? fitting.at(-1) : fitting[0];
  if (!found) throw new SegueError('CHANGE_UNKNOWN', `None ${wanted.what}.`);
  return found.name;
}

export function matching(named: string, names: readonly string[]): string {
  const found = names.filter(
    (name) => name === named || name.startsWith(`${named}-`) || name.startsWith(`${named}_`),
  );
  const [only, ...more] = found;
  if (only === undefined || more.length > 0)
    throw new SegueError('CHANGE_UNKNOWN', `"${named}" was asked for.`);
  return only;
}

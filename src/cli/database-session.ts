/** What the database verbs begin with: which database, which folder; with a segue.yaml or without one. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Change } from '../core/database/change.ts';
import type { Phase } from '../core/database/phase.ts';
import type { ChangeRunner, ChangeState, Watch } from '../core/database/runner.ts';
import { SegueError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
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
  /** Null: the variable that it is to be taken from is not set, or empty. */
  readonly url: string | null;
  /** As it is written: an address, or `env:NAME`. */
  readonly written: string;
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
  const written = input.value('url') ?? project?.database?.url ?? 'env:DATABASE_URL';
  return { dir, url: urlOf(written, shell), written };
}

export function urlOf(written: string, { env }: Shell): string | null {
  const found = written.startsWith('env:') ? env[written.slice('env:'.length)] : written;
  return found === undefined || found === '' ? null : found;
}

export function mustHaveUrl({ url, written }: DatabasePlace): string {
  if (url !== null) return url;
  const what = written.startsWith('env:') ? `The variable ${written.slice('env:'.length)}` : '--url';
  throw new SegueError('DATABASE_NOT_CONFIGURED', `${what} is not set.`);
}

/** No folder is no change yet, but for one that is named. */
export async function readChanges(input: Input, shell: Shell, dir: string): Promise<readonly Change[]> {
  const given = input.value('changes');
  if (given !== null && !(await stat(dir).catch(() => null)))
    throw new SegueError('USAGE', `--changes: there is no folder ${given}.`);
  return shell.changes.read(dir);
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
  const place = await findPlace(input, shell);
  const { dir } = place;
  const url = mustHaveUrl(place);
  const changes = await readChanges(input, shell, dir);
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

/** The one named, or the first, or the last, that is in one of the phases; throws CHANGE_UNKNOWN, CHANGE_NONE. */
export async function chooseChange(
  input: Input,
  { runner, changes, dir }: DatabaseSession,
  wanted: {
    readonly phases: Phases;
    /** Those in one of these come first. */
    readonly rather?: Phases;
    readonly last?: boolean;
    readonly what: string;
  },
): Promise<string> {
  const named = input.argument('change');
  // Whoever holds a table is waited for by what follows.
  const status = await runner.status(changes, { drift: false });
  if (named !== null)
    return matching(
      named,
      status.changes.map(({ name }) => name),
    );
  // What was taken back and thrown away is no change any more.
  const there = status.changes.filter(({ phase, missing }) => phase !== 'reverted' || !missing);
  const fitting = there.filter(({ phase }) => wanted.phases.has(phase));
  const first = fitting.find(({ phase }) => wanted.rather?.has(phase) === true) ?? fitting[0];
  const found = wanted.last === true ? fitting.at(-1) : first;
  if (!found) throw new SegueError('CHANGE_NONE', noneOf(there, wanted.what, dir));
  return found.name;
}

/** What became of it. */
export async function phaseOf({ runner, changes }: DatabaseSession, name: string): Promise<Phase> {
  const { changes: states } = await runner.status(changes, { drift: false });
  return states.find((each) => each.name === name)?.phase ?? 'new';
}

/** Where the last ones are says why. */
function noneOf(states: readonly Pick<ChangeState, 'name' | 'phase'>[], what: string, dir: string): string {
  if (states.length === 0) return `There are no changes in ${dir}.`;
  const last = states.slice(-limits.database.changesNamed).map(({ name, phase }) => `${name} is ${phase}`);
  return `None ${what}: ${last.join(', ')}.`;
}

/** By its name, the number or the words that it begins with; throws CHANGE_UNKNOWN. */
export function matching(named: string, names: readonly string[]): string {
  if (names.includes(named)) return named;
  const number = numberOf(named);
  const found = names.filter(
    (name) =>
      name.startsWith(`${named}-`) ||
      name.startsWith(`${named}_`) ||
      (number !== null && number === numberOf(/^\d+/.exec(name)?.[0] ?? '')),
  );
  const [only, ...more] = found;
  if (only === undefined) throw new SegueError('CHANGE_UNKNOWN', `"${named}" was asked for.`);
  if (more.length > 0) throw new SegueError('CHANGE_UNKNOWN', `"${named}" may be ${found.join(' or ')}.`);
  return only;
}

const numberOf = (digits: string) => (/^\d+$/.test(digits) ? BigInt(digits) : null);

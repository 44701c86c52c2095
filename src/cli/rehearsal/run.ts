/** `segue database rehearse`. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SegueError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { CopySource, GivenQuery, RehearsalRequest } from '../../ports/database-rehearsal.ts';
import {
  type DatabasePlace,
  findPlace,
  matching,
  mustHaveUrl,
  readChanges,
  timeOf,
  urlOf,
} from '../database-session.ts';
import type { Input } from '../input.ts';
import { renderRecorded, renderRehearsal, STAGES } from '../render/rehearsal.ts';
import type { Shell } from '../shell.ts';
import { readQueries } from './query-file.ts';

const { rowsDefault, rowsMax, clientsDefault, clientsMax, perSecondDefault, perSecondMax, graceMs, stayMs } =
  limits.rehearsal;
const { lockTimeoutMs: lockTimeoutDefaultMs, lockWaitMs: lockWaitDefaultMs } = limits.database;

export async function runRehearsal(input: Input, shell: Shell): Promise<number> {
  const place = await findPlace(input, shell);
  const record = input.value('record');
  if (record !== null) return recordTo(path.resolve(shell.cwd, record), place, input, shell);
  const request = await requestOf(input, shell, place);
  const { screen } = shell;
  const isQuiet = input.json;
  const rehearsal = await shell.rehearser.rehearse(request, {
    signal: shell.interrupted,
    ...(isQuiet
      ? {}
      : {
          onStage: (stage) => screen.note([`${screen.paint('cyan', '.')} ${stage}: ${STAGES[stage]}`]),
          onNote: (text) => screen.note([`${screen.paint('yellow', 'note')}: ${text}`]),
        }),
  });
  if (input.json) screen.json(rehearsal);
  else screen.print(renderRehearsal(rehearsal, screen.paint));
  return rehearsal.verdict.exitCode;
}

async function requestOf(input: Input, shell: Shell, place: DatabasePlace): Promise<RehearsalRequest> {
  const { dir, url } = place;
  const changes = await readChanges(input, shell, dir);
  const named = input.argument('change');
  const given = input.value('on');
  const on = given === null ? null : urlOf(given, shell);
  const copy = copyOf(input, shell);
  if (given !== null && on === null) throw new SegueError('USAGE', `--on: ${given} is not set.`);
  if (on !== null && copy.from === 'template')
    throw new SegueError('USAGE', '--on: a template is copied on its own server only.');
  if (on === null || copy.from !== 'dump') mustHaveUrl(place);
  const lockTimeoutMs = timeOf(input, 'lock-timeout') ?? lockTimeoutDefaultMs;
  return {
    ...{ url, on, copy, changes, lockTimeoutMs },
    name:
      named === null
        ? null
        : matching(
            named,
            changes.map(({ name }) => name),
          ),
    queries: await queriesOf(input, shell),
    load: {
      clients: atLeastOne(input, 'clients', clientsDefault, clientsMax),
      perSecond: atLeastOne(input, 'rate', perSecondDefault, perSecondMax),
      stayMs: timeOf(input, 'stay') ?? stayMs,
    },
    lockWaitMs: timeOf(input, 'lock-wait') ?? lockWaitDefaultMs,
    limitMs: timeOf(input, 'limit') ?? lockTimeoutMs + graceMs,
    // The parser of the command line takes `--no-contract` for a `contract` that is false.
    contract: input.has('contract'),
  };
}

function copyOf(input: Input, { cwd }: Shell): CopySource {
  const given = input.value('copy') ?? 'schema';
  if (input.value('rows') !== null && given !== 'schema')
    throw new SegueError('USAGE', '--rows: only --copy schema has rows that are made up.');
  if (given === 'template') return { from: 'template' };
  if (given === 'schema') return { from: 'schema', rows: atLeastOne(input, 'rows', rowsDefault, rowsMax) };
  return { from: 'dump', file: path.resolve(cwd, given) };
}

function atLeastOne(input: Input, flag: string, fallback: number, max: number): number {
  const value = input.whole(flag, fallback, max);
  if (value >= 1) return value;
  throw new SegueError('USAGE', `--${flag}: expected at least 1.`);
}

async function queriesOf(input: Input, shell: Shell): Promise<readonly GivenQuery[]> {
  const found: GivenQuery[] = [];
  for (const side of ['old', 'new'] as const) {
    const file = input.value(`${side}-queries`);
    if (file === null) continue;
    const statements = await readQueries(path.resolve(shell.cwd, file), file, await shell.tools.sqlParser());
    found.push(...statements.map((sql): GivenQuery => ({ side, sql, origin: 'file' })));
  }
  return found;
}

async function recordTo(file: string, place: DatabasePlace, input: Input, shell: Shell): Promise<number> {
  const statements = await shell.rehearser.record(mustHaveUrl(place), limits.rehearsal.recordedMax);
  if (statements.length === 0)
    throw new SegueError('REHEARSAL_NOT_RECORDED', 'It has counted no statement of this database yet.');
  await writeFile(file, renderRecorded(statements));
  const written = path.relative(shell.cwd, file);
  if (input.json) shell.screen.json({ file, statements });
  else
    shell.screen.print([
      `${shell.screen.paint('green', 'written')}: ${written}, ${statements.length} statements`,
    ]);
  return 0;
}

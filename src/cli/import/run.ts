/** `segue database import`. */
import path from 'node:path';
import { DIALECTS, type Dialect, guessDialect, plainSql } from '../../core/database/sql/import/dialect.ts';
import { splitChange } from '../../core/database/sql/import/split-change.ts';
import { History } from '../../core/database/sql/history.ts';
import { Lines } from '../../core/database/sql/lines.ts';
import type { SqlFile } from '../../core/database/sql/lint.ts';
import { Server } from '../../core/database/sql/server.ts';
import { SegueError } from '../../core/errors.ts';
import type { Input } from '../input.ts';
import { POSTGRES_DEFAULT, versionGiven } from '../lint/postgres-version.ts';
import { readSqlFiles } from '../lint/sql-files.ts';
import { type ImportedFile, renderImport } from '../render/import.ts';
import type { Shell } from '../shell.ts';
import { ChangeFolders, filesOf } from './change-folder.ts';

const CHANGES_DEFAULT = 'db/changes';
/** DESIGN s. 10: it waits for a person, who has to look at what could not be split. */
const WAITS = 4;

export async function runImport(input: Input, shell: Shell): Promise<number> {
  const from = input.argument('migration') ?? '';
  const dialect = dialectGiven(input);
  const server = new Server(versionGiven(input) ?? POSTGRES_DEFAULT, null);
  const files = (await readSqlFiles(shell.cwd, [from])).filter(
    ({ name }) => !/(?:^|[._/-])down\.sql$/i.test(name),
  );
  if (files.length === 0) throw new SegueError('USAGE', `There are only ways down in ${from}.`);
  const given = input.value('name');
  if (given !== null && files.length > 1)
    throw new SegueError('USAGE', '--name is for one migration; this is a folder of several.');
  const to = input.value('to') ?? CHANGES_DEFAULT;
  const folders = await ChangeFolders.in(path.resolve(shell.cwd, to));
  const grammar = await shell.tools.sqlParser();
  const history = new History();
  const imported: ImportedFile[] = files.map((file) => {
    const text = plainSql(file.text, dialect ?? guessDialect(file.name, file.text));
    const { parts, notes } = splitChange(text, grammar, server, history);
    const written = filesOf(parts, file.name);
    const lines = new Lines(text);
    return {
      source: file.name,
      folder:
        written.length === 0 ? null : folders.nameFor(slugOf(given ?? nameOf(file)), input.has('force')),
      files: written,
      notes: notes.map(({ at, open, message }) => ({ open, message, ...lines.placeOf(at) })),
    };
  });
  const isDry = input.has('dry-run');
  // Names were all found free before anything is written.
  if (!isDry)
    for (const { folder, files: texts } of imported) if (folder !== null) await folders.write(folder, texts);
  if (input.json) shell.screen.json({ to, written: !isDry, changes: imported });
  else shell.screen.print(renderImport(imported, { to, isDry }, shell.screen.paint));
  return imported.some(({ notes }) => notes.some(({ open }) => open)) ? WAITS : 0;
}

function dialectGiven(input: Input): Dialect | null {
  const given = input.value('from');
  if (given === null) return null;
  const dialect = DIALECTS.find((each) => each === given);
  if (dialect) return dialect;
  throw new SegueError('USAGE', `--from: expected one of ${DIALECTS.join(', ')}, got "${given}".`);
}

/** Prisma names the folder, the others the file. */
function nameOf({ name }: SqlFile): string {
  const base = path.posix.basename(name, '.sql').replace(/\.up$/, '');
  return base === 'migration' ? path.posix.basename(path.posix.dirname(name)) : base;
}

function slugOf(name: string): string {
  const words =
    name
      .toLowerCase()
      .replace(/^v?\d+[\d._-]*/, '')
      .match(/[a-z0-9]+/g) ?? [];
  return words.length > 0 ? words.join('-') : 'imported';
}

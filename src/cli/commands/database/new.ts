import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SegueError } from '../../../core/errors.ts';
import { findPlace, PLACE } from '../../database-session.ts';
import type { Verb } from '../../verb.ts';

const NAME = /^[a-z0-9]+(?:[-_][a-z0-9]+)*$/;
const DIGITS = 4;

const SQL: Readonly<Record<string, string>> = {
  'expand.sql':
    '-- What the new code needs, beside what the old code uses. Each statement has a transaction of its own.\n',
  'backfill.sql':
    '-- A statement that is run until it changes nothing; :rows is how many rows it may change at a time.\n',
  'contract.sql': '-- When no old code runs any more.\n',
  'revert.sql': '-- The way back from expand.sql and backfill.sql.\n',
};

export const newChange: Verb = {
  name: 'new',
  summary: 'begin a change: a folder with the next number',
  arguments: [{ name: 'name', required: true, summary: 'what it does, such as split-name' }],
  options: [{ flag: 'sql', value: null, summary: 'as SQL files, not as operations' }, ...PLACE],
  examples: ['segue database new split-name', 'segue database new add-search --sql'],
  async run(input, shell) {
    const given = input.argument('name') ?? '';
    if (!NAME.test(given))
      throw new SegueError('USAGE', `"${given}": expected lower-case words such as split-name.`);
    const { dir } = await findPlace(input, shell);
    const folder = path.join(dir, `${await nextNumber(dir)}-${given}`);
    await mkdir(folder, { recursive: true });
    const files = input.has('sql') ? SQL : { 'change.yaml': declared(folder, shell.places.changeSchema) };
    for (const [name, text] of Object.entries(files))
      await writeFile(path.join(folder, name), text, { flag: 'wx' });
    const written = Object.keys(files).map((name) => path.relative(shell.cwd, path.join(folder, name)));
    if (input.json) shell.screen.json({ folder, files: written });
    else shell.screen.print(written.map((file) => `${shell.screen.paint('green', 'written')}: ${file}`));
    return 0;
  },
};

async function nextNumber(dir: string): Promise<string> {
  const names = await readdir(dir).catch(() => []);
  const numbers = names.map((name) => /^\d+/.exec(name)?.[0] ?? '0');
  const last = numbers.reduce((most, number) => Math.max(most, Number(number)), 0);
  const digits = Math.max(DIGITS, ...numbers.map((number) => number.length));
  return String(last + 1).padStart(digits, '0');
}

function declared(folder: string, schema: string): string {
  const relative = path.relative(folder, schema).split(path.sep).join('/');
  return [
    `# yaml-language-server: $schema=${relative.startsWith('.') ? relative : `./${relative}`}`,
    'operations:',
    '  - addColumn: { table: users, column: nickname, type: text }',
    '',
  ].join('\n');
}

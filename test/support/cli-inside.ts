/** The CLI in this process, for tables of many short runs: the same verbs and drivers, another screen. */
import path from 'node:path';
import { lazyDatabase } from '../../src/main/lazy-database.ts';
import { runCli } from '../../src/cli/program.ts';
import type { Shell } from '../../src/cli/shell.ts';
import { plainPaint } from '../../src/cli/render/style.ts';
import { postgresFacts } from '../../src/drivers/database-facts/postgres/facts.ts';
import { openSqlParser } from '../../src/drivers/sql/libpg-query/parser.ts';
import type { CliResult } from './cli.ts';

export async function cliInside(
  cwd: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  const out: string[] = [];
  const err: string[] = [];
  const shell: Shell = {
    cwd,
    env,
    screen: {
      live: false,
      paint: plainPaint,
      print: (lines) => void out.push(...lines),
      json: (value) => void out.push(JSON.stringify(value, null, 2)),
      jsonLine: (value) => void out.push(JSON.stringify(value)),
      note: (lines) => void err.push(...lines),
      size: () => ({ columns: 80, rows: 24 }),
      open: () => Promise.reject(new Error('nobody watches')),
    },
    time: { nowMs: Date.now, monotonicMs: () => performance.now(), pause: () => Promise.resolve() },
    interrupted: new AbortController().signal,
    places: { controlMain: '', schema: schemaFile('segue'), changeSchema: schemaFile('segue.change') },
    tools: { sqlParser: openSqlParser, databaseFacts: () => Promise.resolve(postgresFacts) },
    ...lazyDatabase(),
  };
  const exitCode = await runCli(words, shell);
  const text = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');
  return { exitCode, out: text(out), err: text(err) };
}

const schemaFile = (name: string) => path.join(import.meta.dirname, `../../${name}.schema.json`);

/** The CLI: builds the shell that the verbs see, runs one, ends with its exit code. */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCli } from '../cli/program.ts';
import type { Shell } from '../cli/shell.ts';
import { terminalScreen } from '../cli/terminal.ts';
import { systemClock } from '../drivers/clock/system.ts';
import { entryFile } from './entry.ts';
import { lazyDatabase } from './lazy-database.ts';

/** What shells report for a program that Ctrl-C ended. */
const INTERRUPTED = 130;

const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    // The second one does not wait for what the first one is ending.
    if (interrupt.signal.aborted) process.exit(INTERRUPTED);
    interrupt.abort();
  });

// `segue logs | head`: the reader has what it wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

const shell: Shell = {
  cwd: process.cwd(),
  env: process.env,
  screen: terminalScreen(process.stdout, process.stderr, process.env),
  time: {
    nowMs: () => systemClock.nowMs(),
    monotonicMs: () => systemClock.monotonicMs(),
    pause: (durationMs, signal) =>
      sleep(durationMs, undefined, signal ? { signal } : {}).catch(() => undefined),
  },
  interrupted: interrupt.signal,
  places: {
    controlMain: entryFile('control'),
    schema: path.join(import.meta.dirname, '..', '..', 'segue.schema.json'),
    changeSchema: path.join(import.meta.dirname, '..', '..', 'segue.change.schema.json'),
  },
  tools: {
    sqlParser: async () => (await import('../drivers/sql/libpg-query/parser.ts')).openSqlParser(),
    databaseFacts: async () => (await import('../drivers/database-facts/postgres/facts.ts')).postgresFacts,
  },
  ...lazyDatabase(),
};

process.exitCode = await runCli(process.argv.slice(2), shell);

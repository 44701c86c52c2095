/** Databases with folders of changes, and rehearsals of them as users start them. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Rehearsal } from '../../src/core/database/rehearsal/report.ts';
import { type CliResult, type CliRun, cli, endCli, startCli } from './cli.ts';
import { type Postgres, type PostgresOptions, startPostgres } from './postgres.ts';

export const PEOPLE = `CREATE TABLE people (id serial PRIMARY KEY, name text NOT NULL, age int); INSERT INTO people (name, age) SELECT 'first' || i || ' last' || i, i % 90 FROM generate_series(1, 500) AS i; ANALYZE people`;
export const changeYaml = (operations: string, more = '') => `keep: 0\noperations: [${operations}]\n${more}`;
export const RENAME = changeYaml('{ renameColumn: { table: people, column: name, to: full } }');

export interface RehearsalPlace {
  readonly name: string;
  readonly dir: string;
  readonly env: Record<string, string>;
  readonly run: (...words: string[]) => Promise<CliResult>;
  readonly start: (...words: string[]) => CliRun;
  readonly json: (...words: string[]) => Promise<Rehearsal & { readonly exitCode: number | null }>;
}

export interface RehearsalServer {
  readonly server: Postgres;
  /** Nobody is connected to it: it can be copied whole. */
  place(setup: string, files: Readonly<Record<string, string>>): Promise<RehearsalPlace>;
  onceOn(database: string, sql: string): Promise<Record<string, unknown>[]>;
  /** Databases that look like copies. */
  copies(): Promise<string[]>;
  end(): Promise<void>;
}

export async function rehearsalServer(options: PostgresOptions = {}): Promise<RehearsalServer> {
  const server = await startPostgres(options);
  const folder = await mkdtemp(path.join(tmpdir(), 'segue-rehearse-'));
  const onceOn = async (name: string, sql: string) => {
    const client = await server.connect(name);
    const { rows } = await client.query(sql);
    await client.end();
    return rows as Record<string, unknown>[];
  };
  return {
    server,
    onceOn,
    async copies() {
      const rows = await onceOn(
        'postgres',
        `SELECT datname AS name FROM pg_database WHERE datname LIKE 'segue_rehearsal_%' ORDER BY 1`,
      );
      return rows.map(({ name }) => String(name));
    },
    async place(setup, files) {
      const name = await server.createDatabase();
      await onceOn(name, setup);
      const dir = path.join(folder, name);
      await mkdir(dir);
      for (const [file, text] of Object.entries(files)) {
        const whole = path.join(dir, 'db/changes', file);
        await mkdir(path.dirname(whole), { recursive: true });
        await writeFile(whole, text);
      }
      const env = { DATABASE_URL: server.url(name) };
      const all = (words: readonly string[]) => [
        ...['database', 'rehearse', '--stay', '300ms'],
        ...(words.includes('--copy') ? [] : ['--copy', 'template']),
        ...words,
      ];
      return {
        ...{ name, dir, env },
        run: (...words) => cli(dir, all(words), env),
        start: (...words) => startCli(dir, all(words), env),
        async json(...words) {
          const { out, err, exitCode } = await cli(dir, all([...words, '--json']), env);
          const found = JSON.parse(out || '{}') as Rehearsal;
          assert.ok('verdict' in found, out + err);
          return { ...found, exitCode };
        },
      };
    },
    async end() {
      endCli();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function untilSaid(run: CliRun, seen: RegExp): Promise<void> {
  while (!seen.test(run.output())) {
    assert.ok(run.child.exitCode === null && run.child.signalCode === null, run.output());
    await sleep(20);
  }
}

/** Fills a copy: with the schema of a database, or with a dump that somebody made. */
import { createReadStream } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { SegueError } from '../../../../core/errors.ts';
import { limits } from '../../../../core/limits.ts';
import { forPrograms } from './address.ts';
import { runProgram } from './programs.ts';

const ARCHIVE = 'PGDMP';

/** A line for psql only, that says nothing of the schema. */
const RESTRICT = /^\\(?:un)?restrict .*$/gm;

export async function restoreSchema(from: string, to: string, signal: AbortSignal): Promise<void> {
  const { url, env } = forPrograms(from);
  const options = [
    '--schema-only',
    '--no-owner',
    '--no-privileges',
    '--no-publications',
    '--no-subscriptions',
  ];
  const { out } = await runProgram('pg_dump', [...options, `--dbname=${url}`], env, signal);
  await runSql(to, out.replace(RESTRICT, ''), 'the schema');
  await copyJournal(from, to);
}

/** Where each change is belongs to the schema: without it a change that is half made would be made once more. */
async function copyJournal(from: string, to: string): Promise<void> {
  const [source, target] = [await connected(from), await connected(to)];
  try {
    const { rows } = await source.query<{ there: boolean }>(
      `SELECT to_regclass('segue.meta') IS NOT NULL AS there`,
    );
    if (rows[0]?.there !== true) return;
    for (const table of ['meta', 'changes', 'steps', 'backfills']) {
      const kept = await source.query<{ row: string }>(
        `SELECT row_to_json(t)::text AS row FROM segue.${table} AS t`,
      );
      for (const { row } of kept.rows)
        await target.query(
          `INSERT INTO segue.${table} SELECT * FROM json_populate_record(NULL::segue.${table}, $1::json)`,
          [row],
        );
    }
    await target.query(
      `INSERT INTO segue.lease (fence, holder, until) VALUES (0, '', '-infinity') ON CONFLICT DO NOTHING`,
    );
  } finally {
    await source.end();
    await target.end();
  }
}

export async function restoreDump(file: string, to: string, signal: AbortSignal): Promise<void> {
  const { url, env } = forPrograms(to);
  if (await isArchive(file)) {
    const options = ['--no-owner', '--no-privileges', '--exit-on-error', `--dbname=${url}`, file];
    await runProgram('pg_restore', options, env, signal);
    return;
  }
  const { needsPsql } = await lookThrough(file);
  const options = [
    '--no-psqlrc',
    '--quiet',
    '--output=/dev/null',
    '--set=ON_ERROR_STOP=1',
    `--file=${file}`,
    url,
  ];
  try {
    await runProgram('psql', options, env, signal);
  } catch (error) {
    const missing = error instanceof SegueError && error.code === 'REHEARSAL_TOOL_MISSING';
    if (!missing || needsPsql) throw error;
    await runSql(to, await readFile(file, 'utf8'), file);
  }
}

async function isArchive(file: string): Promise<boolean> {
  const found = await stat(file).catch(() => null);
  if (!found) throw new SegueError('USAGE', `--copy: there is no file ${file}.`);
  if (found.isDirectory()) return true;
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(ARCHIVE.length), 0, ARCHIVE.length, 0);
    return buffer.toString('latin1', 0, bytesRead) === ARCHIVE;
  } finally {
    await handle.close();
  }
}

const ELSEWHERE = /^\s*(?:\\c(?:onnect)?\b|(?:CREATE|DROP|ALTER)\s+DATABASE\b)/i;

/** What leads to another database is refused: it could be the one that the change is meant for. */
async function lookThrough(file: string): Promise<{ readonly needsPsql: boolean }> {
  let needsPsql = (await stat(file)).size > limits.rehearsal.schemaBytesMax;
  let number = 0;
  let inData = false;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    number += 1;
    if (inData) {
      inData = line !== '\\.';
      continue;
    }
    inData = /^COPY\b.*\bFROM stdin;/i.test(line);
    needsPsql ||= inData || line.startsWith('\\');
    if (ELSEWHERE.test(line))
      throw new SegueError(
        'REHEARSAL_DUMP_REFUSED',
        `${file}:${number}:1: ${line.trim().slice(0, limits.rehearsal.statementChars)}`,
      );
  }
  return { needsPsql };
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: limits.database.connectTimeoutMs,
  });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function runSql(url: string, sql: string, what: string): Promise<void> {
  const client = await connected(url);
  try {
    await client.query(sql);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new SegueError('REHEARSAL_COPY_FAILED', `${what}: ${message}`, { cause: error });
  } finally {
    await client.end();
  }
}

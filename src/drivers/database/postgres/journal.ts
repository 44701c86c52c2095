/**
 * What Segue keeps in the database itself, so that it is as true as the data: where each change is, which steps
 * are done, how far a backfill came, who may act. A step and its record are one transaction.
 */
import type { Change } from '../../../core/database/change.ts';
import type { Facts } from '../../../core/database/facts.ts';
import { quoteText } from '../../../core/database/identifier.ts';
import type { Cursor } from '../../../core/database/key-range.ts';
import type { Phase } from '../../../core/database/phase.ts';
import type { Order } from '../../../core/database/runner.ts';
import { SegueError } from '../../../core/errors.ts';
import type { Connections, Session } from './connection.ts';

const VERSION = 1;

/** As json, not jsonb, which would put columns in another order. */
const CREATE = [
  'CREATE SCHEMA IF NOT EXISTS segue',
  'CREATE TABLE IF NOT EXISTS segue.meta (version int PRIMARY KEY, schema_lines text[] NOT NULL, at timestamptz NOT NULL DEFAULT now())',
  `CREATE TABLE IF NOT EXISTS segue.changes (name text PRIMARY KEY, digest text NOT NULL, phase text NOT NULL,
    change json NOT NULL, facts json NOT NULL, contracted_at timestamptz, at timestamptz NOT NULL DEFAULT now())`,
  `CREATE TABLE IF NOT EXISTS segue.steps (change text NOT NULL REFERENCES segue.changes, phase text NOT NULL, step text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (change, phase, step))`,
  `CREATE TABLE IF NOT EXISTS segue.backfills (change text NOT NULL REFERENCES segue.changes, job text NOT NULL, cursor jsonb, pass int NOT NULL DEFAULT 1,
    rows bigint NOT NULL DEFAULT 0, changed bigint NOT NULL DEFAULT 0, done boolean NOT NULL DEFAULT false, wanted text NOT NULL DEFAULT 'resume',
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(), at timestamptz NOT NULL DEFAULT clock_timestamp(), PRIMARY KEY (change, job))`,
  `CREATE TABLE IF NOT EXISTS segue.lease (one boolean PRIMARY KEY DEFAULT true CHECK (one), fence bigint NOT NULL, holder text NOT NULL, until timestamptz NOT NULL)`,
  `CREATE TABLE IF NOT EXISTS segue.history (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(),
    change text, event text NOT NULL, detail jsonb)`,
  `INSERT INTO segue.lease (fence, holder, until) VALUES (0, '', '-infinity') ON CONFLICT DO NOTHING`,
  `CREATE OR REPLACE FUNCTION segue.append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the history is only added to'; END $$`,
  `CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON segue.history FOR EACH STATEMENT EXECUTE FUNCTION segue.append_only()`,
];

export interface Kept {
  readonly name: string;
  readonly digest: string;
  readonly phase: Phase;
  readonly change: Change;
  readonly facts: Facts;
  readonly contractedAtMs: number | null;
  /** Some of what it replaced is dropped. */
  readonly dropping: boolean;
}

export interface KeptJob {
  readonly job: string;
  readonly cursor: Cursor;
  readonly pass: number;
  readonly rows: number;
  readonly done: boolean;
  readonly wanted: Order;
  readonly elapsedMs: number;
}

export async function hasJournal(session: Pick<Connections, 'query'> | Session): Promise<boolean> {
  const { rows } = await session.query<{ there: boolean }>(
    `SELECT to_regclass('segue.meta') IS NOT NULL AS there`,
  );
  return rows[0]?.there ?? false;
}

export async function createJournal(session: Session, schemaLines: readonly string[]): Promise<void> {
  // PostgreSQL 13 has no CREATE OR REPLACE TRIGGER; the schema is made once, in one transaction.
  for (const statement of CREATE) await session.query(statement.replace('OR REPLACE TRIGGER', 'TRIGGER'));
  await keepSchemaLines(session, schemaLines);
}

export async function keepSchemaLines(session: Session, lines: readonly string[]): Promise<void> {
  await session.query(
    `INSERT INTO segue.meta (version, schema_lines) VALUES ($1, $2) ON CONFLICT (version) DO UPDATE SET schema_lines = EXCLUDED.schema_lines, at = now()`,
    [VERSION, lines],
  );
}

export async function keptSchemaLines(session: Session): Promise<readonly string[]> {
  const { rows } = await session.query<{ lines: string[]; version: number }>(
    'SELECT schema_lines AS lines, version FROM segue.meta ORDER BY version DESC LIMIT 1',
  );
  const [row] = rows;
  if (row && row.version > VERSION)
    throw new SegueError(
      'DATABASE_UNSUPPORTED',
      `A newer version of Segue keeps its journal there (version ${row.version}).`,
    );
  return row?.lines ?? [];
}

const KEPT = `SELECT name, digest, phase, change, facts, (extract(epoch FROM contracted_at) * 1000)::float8 AS "contractedAtMs",
  EXISTS (SELECT FROM segue.steps WHERE steps.change = changes.name AND steps.phase = 'finish') AS dropping FROM segue.changes`;

export async function keptChanges(session: Session): Promise<readonly Kept[]> {
  return (await session.query<Kept>(`${KEPT} ORDER BY name`)).rows;
}

/** The change as it runs from here on, whatever becomes of its file. */
export async function keepChange(
  session: Session,
  change: Change,
  phase: Phase,
  facts: Facts,
): Promise<void> {
  await session.query(
    `INSERT INTO segue.changes (name, digest, phase, change, facts) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (name) DO UPDATE SET digest = $2, phase = $3, change = $4, facts = $5, contracted_at = NULL, at = now()`,
    [change.name, change.digest, phase, JSON.stringify(change), JSON.stringify(facts)],
  );
  await record(session, change.name, phase);
}

export async function enterPhase(session: Session, name: string, phase: Phase): Promise<void> {
  const { changed } = await session.query(
    `UPDATE segue.changes SET phase = $2, at = now(), contracted_at = CASE WHEN $2 = 'contracted' THEN now() ELSE contracted_at END WHERE name = $1 AND phase <> $2`,
    [name, phase],
  );
  if (changed > 0) await record(session, name, phase);
}

/** After the way back the change may be made again, from the beginning. */
export async function forgetSteps(session: Session, name: string): Promise<void> {
  await session.query('DELETE FROM segue.steps WHERE change = $1', [name]);
  await session.query('DELETE FROM segue.backfills WHERE change = $1', [name]);
}

/** It can be contracted again, from the beginning but for what was left as it was. */
export async function forgetContract(
  session: Session,
  name: string,
  standing: readonly string[],
): Promise<void> {
  await session.query(
    `DELETE FROM segue.steps WHERE change = $1 AND (phase = 'restore' OR phase = 'contract' AND step <> ALL($2))`,
    [name, standing],
  );
  await session.query('UPDATE segue.changes SET contracted_at = NULL WHERE name = $1', [name]);
}

export async function isDone(session: Session, name: string, phase: string, step: string): Promise<boolean> {
  const { rows } = await session.query(
    'SELECT 1 FROM segue.steps WHERE change = $1 AND phase = $2 AND step = $3',
    [name, phase, step],
  );
  return rows.length > 0;
}

export async function stepDone(session: Session, name: string, phase: string, step: string): Promise<void> {
  await session.query(
    'INSERT INTO segue.steps (change, phase, step) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
    [name, phase, step],
  );
  await record(session, name, `${phase} ${step}`);
}

export async function record(session: Session, change: string | null, event: string): Promise<void> {
  await session.query('INSERT INTO segue.history (change, event) VALUES ($1, $2)', [change, event]);
}

const JOB = `SELECT job, cursor, pass, rows::float8 AS rows, done, wanted, extract(epoch FROM clock_timestamp() - began_at)::float8 * 1000 AS "elapsedMs" FROM segue.backfills`;

export async function keptJobs(session: Session, name: string): Promise<readonly KeptJob[]> {
  return (await session.query<KeptJob>(`${JOB} WHERE change = $1 ORDER BY job`, [name])).rows;
}

/** Locks its row, so that nobody else is at the same job. */
export const lockingJob = (name: string, job: string): string =>
  `${JOB} WHERE change = ${quoteText(name)} AND job = ${quoteText(job)} FOR UPDATE`;

/** Where there was none. */
export async function makeJob(session: Session, name: string, job: string): Promise<KeptJob> {
  await session.query('INSERT INTO segue.backfills (change, job) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    name,
    job,
  ]);
  const [made] = (await session.query<KeptJob>(lockingJob(name, job))).rows;
  if (!made) throw new Error(`the job ${job} of ${name} cannot be read`);
  return made;
}

export function keepingJob(
  name: string,
  job: string,
  kept: { cursor: Cursor; pass: number; rows: number; changed: number; done: boolean },
): string {
  const { cursor, pass, rows, changed, done } = kept;
  const at = cursor === null ? 'NULL' : quoteText(JSON.stringify(cursor));
  return `UPDATE segue.backfills SET cursor = ${at}, pass = ${pass}, rows = ${rows}, changed = changed + ${changed}, done = ${done}, at = clock_timestamp() WHERE change = ${quoteText(name)} AND job = ${quoteText(job)}`;
}

export async function orderJobs(session: Session, name: string, order: Order): Promise<boolean> {
  const { changed } = await session.query(
    'UPDATE segue.backfills SET wanted = $2 WHERE change = $1 AND NOT done',
    [name, order],
  );
  return changed > 0;
}

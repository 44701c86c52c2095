/**
 * The copy that a rehearsal works on: made with a name of its own, found by it and by its comment, and dropped
 * whatever happens. The session that made it carries the same name while it lives, so that what a killed
 * rehearsal left behind can be told from what another one is at work on.
 */
import pg from 'pg';
import type { CopySource } from '../../../../ports/database-rehearsal.ts';
import { quoteName, quoteText } from '../../../../core/database/identifier.ts';
import { SegueError } from '../../../../core/errors.ts';
import { limits } from '../../../../core/limits.ts';
import { codeOf, failureOf, isLost, refusedConnection } from '../failure.ts';
import { databaseNameOf, serverOf, withDatabaseName } from './address.ts';
import { backendOf, mustHaveSessions } from './pooler.ts';
import { restoreDump, restoreSchema } from './restore.ts';
import { OBSERVER, openSession } from './session.ts';

const PREFIX = 'segue_rehearsal_';
const COMMENT = 'segue rehearsal: a throwaway copy, dropped at its end';
/** Where nobody works: a template must have no sessions. */
const MAINTENANCE = 'postgres';
const ID_LETTERS = 12;
/** SQLSTATE of a statement that somebody asked to end. */
const CANCELLED = '57014';

export interface CopyParts {
  readonly url: string | null;
  readonly on: string | null;
  readonly source: CopySource;
  readonly chance: () => number;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
}

export class Copy {
  readonly url: string;
  readonly name: string;
  readonly server: string;
  readonly #admin: pg.Client;
  readonly #note: CopyParts['note'];
  readonly #address: string;

  private constructor(admin: pg.Client, address: string, name: string, note: CopyParts['note']) {
    this.#admin = admin;
    this.#address = address;
    this.#note = note;
    this.name = name;
    this.url = withDatabaseName(address, name);
    this.server = serverOf(address);
  }

  static async make(parts: CopyParts): Promise<Copy> {
    const { source, on, url, note, signal } = parts;
    const address = on ?? url;
    if (address === null)
      throw new SegueError('DATABASE_NOT_CONFIGURED', 'The copy needs a server: give --on or --url.');
    if (source.from !== 'dump' && url === null)
      throw new SegueError('DATABASE_NOT_CONFIGURED', `There is nothing to copy the ${source.from} of.`);
    const name = `${PREFIX}${idOf(parts.chance)}`;
    const openOne = () => openAdmin(address, name, source.from === 'template');
    await mustHaveSessions(address, openOne);
    if (source.from === 'schema' && url !== null)
      await mustHaveSessions(url, () => openSession(url, OBSERVER));
    const admin = await openOne();
    const pid = await backendOf(admin);
    const stop = () => void cancel(address, pid);
    signal.addEventListener('abort', stop);
    const copy = new Copy(admin, address, name, note);
    try {
      await dropLeftOvers(admin, note);
      await copy.#create(parts);
      if (source.from === 'schema' && url !== null) await restoreSchema(url, copy.url, signal);
      if (source.from === 'dump') await restoreDump(source.file, copy.url, signal);
      return copy;
    } catch (error) {
      await copy.drop();
      if (signal.aborted)
        throw new SegueError('REHEARSAL_STOPPED', 'The copy was being made.', { cause: error });
      throw failureOf(error, 'the copy');
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Also ends every session on it. */
  async drop(): Promise<void> {
    const sql = `DROP DATABASE IF EXISTS ${quoteName(this.name)} WITH (FORCE)`;
    try {
      await this.#admin.query(sql).catch((error: unknown) => this.#dropAgain(sql, error));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#note(`the copy ${this.name} could not be dropped (${why}); the next rehearsal tries again`);
    }
    await this.#admin.end().catch(() => undefined);
  }

  async #dropAgain(sql: string, error: unknown): Promise<void> {
    // What was to end the making of the copy came late.
    if (codeOf(error) === CANCELLED) {
      await this.#admin.query(sql);
      return;
    }
    if (!isLost(error)) throw error;
    const other = await openAdmin(this.#address, this.name, false);
    try {
      await other.query(sql);
    } finally {
      await other.end();
    }
  }

  async #create({ source, url, on }: CopyParts): Promise<void> {
    const from = source.from === 'template' && url !== null ? databaseNameOf(url) : null;
    const like = url !== null && on === null ? databaseNameOf(url) : null;
    const options = from === null ? await this.#optionsLike(like) : `TEMPLATE ${quoteName(from)}`;
    try {
      await this.#admin.query(`CREATE DATABASE ${quoteName(this.name)} ${options}`);
    } catch (error) {
      throw await this.#whyNot(error, from);
    }
    await this.#admin.query(`COMMENT ON DATABASE ${quoteName(this.name)} IS ${quoteText(COMMENT)}`);
  }

  /** Text sorts and compares as it does there. */
  async #optionsLike(database: string | null): Promise<string> {
    const { rows } = await this.#admin.query<{
      encoding: string;
      collate: string | null;
      ctype: string | null;
    }>(
      `SELECT pg_encoding_to_char(encoding) AS encoding, datcollate AS collate, datctype AS ctype FROM pg_database WHERE datname = $1`,
      [database ?? ''],
    );
    const [found] = rows;
    if (!found) return `TEMPLATE template0 ENCODING 'UTF8'`;
    const { encoding, collate, ctype } = found;
    const locale =
      collate !== null && ctype !== null
        ? ` LC_COLLATE ${quoteText(collate)} LC_CTYPE ${quoteText(ctype)}`
        : '';
    return `TEMPLATE template0 ENCODING ${quoteText(encoding)}${locale}`;
  }

  async #whyNot(error: unknown, from: string | null): Promise<unknown> {
    const code = codeOf(error);
    const message = error instanceof Error ? error.message : String(error);
    if (code === '42501') return new SegueError('REHEARSAL_REFUSED', `${message}.`, { cause: error });
    if (code !== '55006' || from === null) return error;
    const { rows } = await this.#admin.query<{ who: string }>(SESSIONS, [from]);
    const named = rows.map(({ who }) => who).join('\n');
    return new SegueError('REHEARSAL_IN_USE', `Connected to ${from}:\n${named}`, { cause: error });
  }
}

const SESSIONS = `
  SELECT format('pid %s (%s), %s', pid, concat_ws(', ', usename, nullif(application_name, ''), client_addr),
    coalesce(state, backend_type)) AS who
  FROM pg_stat_activity WHERE datname = $1 ORDER BY backend_start LIMIT ${limits.database.blockersShown * 2}`;

const LEFT_OVERS = `
  SELECT d.datname AS name, coalesce(shobj_description(d.oid, 'pg_database'), '') AS comment FROM pg_database d
  WHERE d.datname ~ '^${PREFIX}[0-9a-z]{${ID_LETTERS}}$' AND d.datname <> current_setting('application_name')
    AND NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.application_name = d.datname)`;

async function dropLeftOvers(admin: pg.Client, note: CopyParts['note']): Promise<void> {
  const { rows } = await admin.query<{ name: string; comment: string }>(LEFT_OVERS);
  for (const { name, comment } of rows) {
    if (!comment.startsWith(COMMENT)) {
      note(`${name} looks like the copy of a rehearsal, but does not say so: it is left alone`);
      continue;
    }
    await admin
      .query(`DROP DATABASE IF EXISTS ${quoteName(name)} WITH (FORCE)`)
      .then(() => note(`${name} was left behind by a rehearsal that was killed: dropped`))
      .catch((error: unknown) => note(`${name} was left behind and could not be dropped: ${String(error)}`));
  }
}

function idOf(chance: () => number): string {
  return Array.from({ length: ID_LETTERS }, () => Math.floor(chance() * 36).toString(36)).join('');
}

/** In the database for maintenance, or in the one that is named where that may not be. */
async function openAdmin(address: string, name: string, onlyMaintenance: boolean): Promise<pg.Client> {
  const places = [withDatabaseName(address, MAINTENANCE), ...(onlyMaintenance ? [] : [address])];
  let refused: unknown;
  for (const place of places) {
    const client = new pg.Client({
      connectionString: place,
      application_name: name,
      connectionTimeoutMillis: limits.database.connectTimeoutMs,
      keepAlive: true,
    });
    // What was lost is found by the next statement.
    client.on('error', () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      refused = error;
    }
  }
  throw refusedConnection(refused);
}

/** Copying a large database takes long: it is ended there, too. */
async function cancel(address: string, pid: number): Promise<void> {
  const client = await openAdmin(address, 'segue', false).catch(() => null);
  await client?.query('SELECT pg_cancel_backend($1)', [pid]).catch(() => undefined);
  await client?.end().catch(() => undefined);
}

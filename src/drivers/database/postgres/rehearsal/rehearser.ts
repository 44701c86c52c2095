/** Rehearsals on PostgreSQL: makes the copy, goes through everything on it, drops it. */
import type pg from 'pg';
import type { Change } from '../../../../core/database/change.ts';
import { type Course, courseOf } from '../../../../core/database/rehearsal/course.ts';
import { differencesOf } from '../../../../core/database/rehearsal/differences.ts';
import { paramsOf } from '../../../../core/database/rehearsal/parameters.ts';
import { generatedQueries, type Query } from '../../../../core/database/rehearsal/queries.ts';
import type { Rehearsal } from '../../../../core/database/rehearsal/report.ts';
import { sqlDifferences } from '../../../../core/database/rehearsal/sql-differences.ts';
import type { CopyTable } from '../../../../core/database/rehearsal/table.ts';
import type { ParsedStatement } from '../../../../core/database/sql/parsed.ts';
import { Tally } from '../../../../core/database/rehearsal/tally.ts';
import { verdictOf } from '../../../../core/database/rehearsal/verdict.ts';
import type { ChangeRunner } from '../../../../core/database/runner.ts';
import { quoteTable, showTable } from '../../../../core/database/identifier.ts';
import { SegueError } from '../../../../core/errors.ts';
import type { Clock } from '../../../../ports/clock.ts';
import type { DatabaseOpener } from '../../../../ports/database.ts';
import type {
  DatabaseRehearser,
  GivenQuery,
  RehearsalRequest,
  RehearsalWatch,
} from '../../../../ports/database-rehearsal.ts';
import type { SqlParser } from '../../../../ports/sql-parser.ts';
import { failureOf } from '../failure.ts';
import { databaseNameOf } from './address.ts';
import { Copy } from './copy.ts';
import { fillTables } from './filler.ts';
import { LockWatch } from './lock-watch.ts';
import { recordStatements } from './record.ts';
import { Run } from './run.ts';
import { CLIENT, OBSERVER, openSession } from './session.ts';
import { forward, type Plan, type Sessions, StageBook } from './stage.ts';
import { readRules, readSizes, readTables, sameTable } from './tables.ts';

export interface RehearserParts {
  readonly clock: Clock;
  readonly chance: () => number;
  readonly opener: DatabaseOpener;
  readonly parser: SqlParser;
}

export function postgresRehearser(parts: RehearserParts): DatabaseRehearser {
  return {
    rehearse: (request, watch) => new Rehearsing(parts, request, watch).run(),
    record: recordStatements,
  };
}

class Rehearsing {
  readonly #parts: RehearserParts;
  readonly #request: RehearsalRequest;
  readonly #watch: RehearsalWatch;
  readonly #notes: string[] = [];

  constructor(parts: RehearserParts, request: RehearsalRequest, watch: RehearsalWatch) {
    this.#parts = parts;
    this.#request = request;
    this.#watch = watch;
  }

  async run(): Promise<Rehearsal> {
    const { url, on, copy: source } = this.#request;
    const { signal } = this.#watch;
    const note = (text: string) => this.#note(text);
    for (const query of [...this.#request.queries, ...this.#request.changes.flatMap(declared)])
      this.#statementsOf(query);
    const copy = await Copy.make({ url, on, source, signal, note, chance: this.#parts.chance });
    const toClose: pg.Client[] = [];
    try {
      return await this.#on(copy, toClose);
    } catch (error) {
      if (signal.aborted) throw new SegueError('REHEARSAL_STOPPED', '', { cause: error });
      throw failureOf(error, 'the rehearsal');
    } finally {
      await copy.drop();
      for (const client of toClose) await client.end().catch(() => undefined);
    }
  }

  async #on(copy: Copy, toClose: pg.Client[]): Promise<Rehearsal> {
    const open = async (application: string) => {
      const client = await openSession(copy.url, application);
      toClose.push(client);
      return client;
    };
    const sessions: Sessions = {
      looker: await open(OBSERVER),
      watch: await open(OBSERVER),
      old: await open(`${CLIENT}old`),
      new: await open(`${CLIENT}new`),
      oldValues: await open(OBSERVER),
      newValues: await open(OBSERVER),
    };
    const rows = await this.#prepareRows(sessions.looker);
    const { lockTimeoutMs, lockWaitMs } = this.#request;
    const runner = await this.#parts.opener.open(copy.url, { lockTimeoutMs, lockWaitMs });
    try {
      return await this.#rehearse(copy, sessions, runner, rows);
    } finally {
      await runner.close();
    }
  }

  async #rehearse(copy: Copy, sessions: Sessions, runner: ChangeRunner, rows: number): Promise<Rehearsal> {
    const { request, clock, chance } = { request: this.#request, ...this.#parts };
    const course = await this.#begin(runner);
    const { looker } = sessions;
    const sizes = await this.#realSizes(looker);
    const tally = new Tally();
    const book = new StageBook(tally, clock, this.#watch, sizes);
    const plan = await this.#plan(course, looker);
    const rules = await readRules(looker);
    const lockWatch = new LockWatch(sessions.watch, book, clock);
    await lockWatch.start();
    const note = (text: string) => this.#note(text);
    const run = new Run({ url: copy.url, request, plan, runner, sessions, book, rules, clock, chance, note });
    try {
      await run.go();
    } finally {
      run.letGo();
      await lockWatch.stop();
    }
    const found: Omit<Rehearsal, 'verdict'> = {
      format: 1,
      changes: namesOf(plan.rehearsed),
      copy: this.#copyFacts(copy, rows),
      ...{ stages: tally.stages, statements: tally.statements, crossed: run.crossed },
      ...{ back: run.back, restored: run.restored },
      ...{ broken: book.broken, backfills: book.backfills, limitMs: request.limitMs, notes: this.#notes },
    };
    return { ...found, verdict: verdictOf(found) };
  }

  #copyFacts(copy: Copy, rows: number): Rehearsal['copy'] {
    const { copy: source, url } = this.#request;
    const database = source.from === 'dump' ? source.file : url === null ? '' : databaseNameOf(url);
    return { from: source.from, database, server: copy.server, rows };
  }

  async #prepareRows(looker: pg.Client): Promise<number> {
    const { copy } = this.#request;
    // A copy of the journal has the lease of a run that works on the other database.
    await looker.query(
      `DO $$ BEGIN IF to_regclass('segue.lease') IS NOT NULL THEN UPDATE segue.lease SET holder = '', until = '-infinity'; END IF; END $$`,
    );
    const tables = await readTables(looker);
    if (copy.from === 'schema') {
      const { rows, notes } = await fillTables(looker, tables, copy.rows, this.#watch.signal);
      for (const note of notes) this.#note(note);
      return rows;
    }
    await looker.query('ANALYZE');
    const sizes = await readSizes(looker);
    return tables.reduce((sum, { table }) => sum + (sizes.get(quoteTable(table)) ?? 0), 0);
  }

  /** Changes that come before the one that was asked for are made to the end. */
  async #begin(runner: ChangeRunner): Promise<Course> {
    const { changes, name } = this.#request;
    const status = await runner.status(changes);
    if (!status.adopted) await runner.adopt([]);
    const course = courseOf(changes, status.changes, name);
    for (const note of course.notes) this.#note(note);
    const watch = { signal: this.#watch.signal };
    await forward(runner, course.earlier, changes, watch);
    for (const each of course.earlier) await runner.contract(changes, each.name, { now: true }, watch);
    if (course.earlier.length > 0)
      this.#note(`made before, to their end: ${namesOf(course.earlier).join(', ')}`);
    return course;
  }

  async #plan({ rehearsed }: Course, looker: pg.Client): Promise<Plan> {
    const { parser } = this.#parts;
    const differences = differencesOf(rehearsed, (files) =>
      sqlDifferences(files, (sql) => parser.parse(sql)),
    );
    const before = await readTables(looker);
    const given = [...this.#request.queries, ...rehearsed.flatMap(declared)];
    const isChanged = (table: CopyTable, column: string) => {
      const names = [differences.brought, differences.taken].map((map) => map.get(quoteTable(table.table)));
      const known = names.some((each) => each instanceof Set);
      return !known || names.some((each) => each?.has(column) === true);
    };
    return {
      ...{ rehearsed, differences, before },
      queriesOf: (side, tables) => {
        const said = given.filter((query) => query.side === side);
        if (said.length > 0) return said.flatMap((query) => this.#asQuery(query, tables));
        const named = tables.filter(({ table }) => differences.tables.some((each) => sameTable(each, table)));
        // A block of code names tables where nobody reads them, and a new table is none of the old version's.
        const touched = named.length === 0 ? tables : named;
        return generatedQueries(side, touched, isChanged);
      },
    };
  }

  /** Clients take back what they write while rows are compared: none may say that it stays. */
  #statementsOf({ side, sql }: GivenQuery): readonly ParsedStatement[] {
    const parsed = this.#parts.parser.parse(sql);
    const refuse = (why: string) =>
      new SegueError(
        'CHANGE_INVALID',
        `A statement of the ${side} version, for the rehearsal: ${why}: ${sql}`,
      );
    if (!parsed.ok) throw refuse(parsed.message);
    if (parsed.statements.some(({ kind }) => kind === 'TransactionStmt'))
      throw refuse('each has a transaction of its own; expected none that begins or ends one');
    return parsed.statements;
  }

  #asQuery({ side, sql, origin }: GivenQuery, tables: readonly CopyTable[]): Query[] {
    return this.#statementsOf({ side, sql, origin }).map((statement) => ({
      ...{ side, origin, sql: sql.slice(statement.start, statement.end).trim() },
      params: paramsOf(
        statement,
        (table, column) =>
          tables.find((each) => sameTable(each.table, table))?.columns.some(({ name }) => name === column) ===
          true,
      ),
    }));
  }

  /** Of the tables as they are in life, by the names that backfills go by. */
  async #realSizes(looker: pg.Client): Promise<ReadonlyMap<string, number>> {
    const { url, copy } = this.#request;
    const tables = await readTables(looker);
    const named = (sizes: ReadonlyMap<string, number>) =>
      new Map(
        tables.flatMap(({ table }) => {
          const rows = sizes.get(quoteTable(table));
          return rows === undefined ? [] : [[showTable(table), rows] as const];
        }),
      );
    if (copy.from === 'template') return named(await readSizes(looker));
    if (url === null) return new Map();
    const client = await openSession(url, OBSERVER).catch(() => null);
    if (!client) {
      this.#note('how large its tables are was not asked: the database does not answer');
      return new Map();
    }
    try {
      return named(await readSizes(client));
    } finally {
      await client.end();
    }
  }

  #note(text: string): void {
    this.#notes.push(text);
    this.#watch.onNote?.(text);
  }
}

const namesOf = (changes: readonly Change[]): string[] => changes.map(({ name }) => name);

function declared({ rehearse }: Change): GivenQuery[] {
  const of = (side: 'old' | 'new') =>
    (rehearse?.[side] ?? []).map((sql): GivenQuery => ({ side, sql, origin: 'declared' }));
  return [...of('old'), ...of('new')];
}

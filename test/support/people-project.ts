/** A project with a database whose schema its versions change; see `people-app.mjs`. */
import { somePort } from '../contract/some-port.ts';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { describeFact } from '../../src/cli/render/fact.ts';
import type { Fact } from '../../src/core/release/journal.ts';
import { type Postgres } from './postgres.ts';
import { TestProject } from './test-project.ts';

const APP = fileURLToPath(new URL('./people-app.mjs', import.meta.url));
const PG_MODULE = import.meta.resolve('pg');

/** The mail gets another name, and the name becomes two. */
export const SPLIT = `keep: 0
operations:
  - renameColumn: { table: people, column: mail, to: email }
  - splitColumn:
      table: people
      column: name
      into:
        first_name: { type: text, up: "split_part(name, ' ', 1)" }
        last_name: { type: text, up: "substr(name, strpos(name, ' ') + 1)" }
      down: "first_name || ' ' || last_name"
`;

export interface PeopleOptions {
  readonly rows?: number;
  readonly strategy?: string;
  readonly instances?: number;
  /** YAML of `contract:` in the file. */
  readonly contract?: string;
  /** False: the database is as it was before Segue. */
  readonly adopted?: boolean;
  /** YAML of another service beside web, indented by two spaces. */
  readonly beside?: string;
  /** Control of its own kind. */
  readonly up?: { readonly main: string; readonly env: Readonly<Record<string, string>> };
}

/** Of the same program on the same database, called `api`. */
export async function secondService(): Promise<string> {
  return `  api:
    run: { command: node server.mjs, env: { DATABASE_URL: env:DATABASE_URL, PG_MODULE: env:PG_MODULE } }
    traffic: { listen: "127.0.0.1:${await somePort()}" }
    health: { readiness: { path: /ready, interval: 100ms, timeout: 5s, successes: 2, within: 60s } }
    strategy: { type: blue-green, bake: 0s }`;
}

export class PeopleProject {
  readonly project: TestProject;
  readonly sql: pg.Client;
  readonly database: string;
  readonly server: Postgres;
  readonly #options: PeopleOptions;

  private constructor(
    project: TestProject,
    server: Postgres,
    database: string,
    sql: pg.Client,
    options: PeopleOptions,
  ) {
    this.project = project;
    this.server = server;
    this.database = database;
    this.sql = sql;
    this.#options = options;
  }

  /** v1 serves; what is written in the changes folder goes with the versions to come. */
  static async serving(
    t: TestContext,
    server: Postgres,
    options: PeopleOptions = {},
  ): Promise<PeopleProject> {
    const database = await server.createDatabase();
    const sql = await server.connect(database);
    await sql.query(`SET application_name = 'the test';
      CREATE TABLE people (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, mail text NOT NULL);
      CREATE TABLE written (id bigint PRIMARY KEY, name text NOT NULL, mail text NOT NULL);
      INSERT INTO people (name, mail) SELECT 'first' || n || ' last' || n, n || '@example.com' FROM generate_series(1, ${options.rows ?? 2_000}) n;
      INSERT INTO written SELECT * FROM people;
      ANALYZE`);
    const {
      contract = '{ clients: [the test] }',
      strategy = '{ type: blue-green, bake: 0s }',
      instances = 2,
    } = options;
    const top = `database: { url: env:DATABASE_URL, contract: ${contract} }\ngateway: { workers: 1 }`;
    const command = 'node server.mjs, env: { DATABASE_URL: env:DATABASE_URL, PG_MODULE: env:PG_MODULE }';
    const beside = options.beside === undefined ? '' : `\n${options.beside}`;
    const file = {
      instances,
      command,
      top,
      readyWithin: '60s',
      service: `    strategy: ${strategy}${beside}`,
    };
    const people = new PeopleProject(await TestProject.create(file), server, database, sql, options);
    t.after(() => people.project.remove());
    await people.up();
    for (const [version, columns] of [
      ['v1', 'old'],
      ['v2', 'new'],
      ['v3', 'new'],
    ] as const)
      await people.#build(version, columns);
    if (options.adopted !== false) await people.adopt();
    await people.project.deploy('v1');
    return people;
  }

  async up(): Promise<void> {
    const { main, env = {} } = this.#options.up ?? {};
    const own = { DATABASE_URL: this.server.url(this.database), PG_MODULE };
    await this.project.up({ ...(main === undefined ? {} : { main }), env: { ...env, ...own } });
  }

  /** What "segue database adopt" does. */
  async adopt(): Promise<void> {
    const { postgresOpener } = await import('../../src/drivers/database/postgres/open.ts');
    const { systemClock } = await import('../../src/drivers/clock/system.ts');
    const holder = { name: 'the test', isGone: () => false };
    const opener = postgresOpener({ clock: systemClock, chance: () => 0.5, holder });
    const runner = await opener.open(this.server.url(this.database));
    try {
      await runner.adopt([]);
    } finally {
      await runner.close();
    }
  }

  async #build(version: string, columns: 'old' | 'new'): Promise<void> {
    const dir = path.join(this.project.root, 'builds', version);
    await mkdir(dir, { recursive: true });
    await copyFile(APP, path.join(dir, 'server.mjs'));
    await writeFile(path.join(dir, 'behaviour.json'), JSON.stringify({ columns }));
  }

  async change(name: string, text: string): Promise<void> {
    const dir = path.join(this.project.root, 'db', 'changes', name);
    await mkdir(dir, { recursive: true });
    await writeFile(path.join(dir, 'change.yaml'), text);
  }

  async forget(name: string): Promise<void> {
    await rm(path.join(this.project.root, 'db', 'changes', name), { recursive: true });
  }

  async columns(): Promise<string[]> {
    const { rows } = await this.sql.query<{ name: string }>(
      `SELECT column_name AS name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'people' ORDER BY 1`,
    );
    return rows.map(({ name }) => name);
  }

  async phaseOf(change: string): Promise<string> {
    const { rows } = await this.sql.query<{ phase: string }>(
      'SELECT phase FROM segue.changes WHERE name = $1',
      [change],
    );
    return rows[0]?.phase ?? 'new';
  }

  /** Rows that are not what was written, as the columns of that version have them. */
  async lost(columns: 'old' | 'new'): Promise<number> {
    const [name, mail] =
      columns === 'old' ? ['p.name', 'p.mail'] : [`p.first_name || ' ' || p.last_name`, 'p.email'];
    const { rows } = await this.sql.query<{ lost: number }>(
      `SELECT count(*)::int AS lost FROM written w FULL JOIN people p USING (id)
       WHERE (w.name, w.mail) IS DISTINCT FROM (${name}, ${mail})`,
    );
    return rows[0]?.lost ?? -1;
  }

  /** For new connections; those that are there go on. */
  async refuseConnections(refuse: boolean): Promise<void> {
    const admin = await this.server.connect();
    await admin.query(`ALTER DATABASE ${this.database} ALLOW_CONNECTIONS ${String(!refuse)}`);
    await admin.end();
  }

  /** Nobody gets a connection any more, and Segue loses those that it has. */
  async cutOff(): Promise<void> {
    await this.refuseConnections(true);
    const admin = await this.server.connect();
    await admin.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND application_name = 'segue'`,
      [this.database],
    );
    await admin.end();
  }

  /** The newest entry of the journal of that kind. */
  async last<Kind extends Fact['kind']>(kind: Kind): Promise<Extract<Fact, { kind: Kind }> | undefined> {
    const facts = (await this.project.journal()).map(({ fact }) => fact);
    return facts.findLast((fact): fact is Extract<Fact, { kind: Kind }> => fact.kind === kind);
  }

  /** The end of the journal, for a message that says why something did not happen. */
  async tail(): Promise<string> {
    const facts = (await this.project.journal()).map(({ fact }) => describeFact(fact));
    const { rows } = await this.sql.query<{ line: string }>(
      `SELECT concat_ws(' ', application_name, state, wait_event_type, wait_event, now() - state_change, left(query, 200)) AS line
      FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
    return ['', ...facts.slice(-25), ...rows.map(({ line }) => line)].join('\n');
  }

  contract(change: string): Promise<unknown> {
    const body = { change, now: false, by: 'test', reason: '' };
    return this.project.api('POST', '/v1/database/contract', body);
  }
}

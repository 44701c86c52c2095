/** The example shop with a database, as its README has it tried: its own files, its own versions, the command line. */
import { execFile } from 'node:child_process';
import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Account } from '../load/summary.ts';
import { cli, type CliResult } from './cli.ts';
import type { Postgres } from './postgres.ts';
import { TestProject } from './test-project.ts';

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url));
const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));

/** How each version reads a customer. */
const SHAPES = {
  old: 'name, mail',
  new: `rtrim(first_name || ' ' || last_name) AS name, email AS mail`,
} as const;

export type Shape = keyof typeof SHAPES;

export class ShopDatabase {
  readonly project: TestProject;
  readonly server: Postgres;
  readonly database: string;

  private constructor(project: TestProject, server: Postgres, database: string) {
    this.project = project;
    this.server = server;
    this.database = database;
  }

  /** v1 serves, and what v2 changes is not there yet. */
  static async serving(t: TestContext, server: Postgres): Promise<ShopDatabase> {
    const project = await TestProject.create();
    t.after(() => project.remove());
    const { root, port } = project;
    for (const part of ['shop', 'shop-database'])
      await cp(path.join(EXAMPLES, part), root, { recursive: true });
    // In place of "npm install".
    await symlink(MODULES, path.join(root, 'node_modules'));
    const file = await readFile(path.join(root, 'segue.yaml'), 'utf8');
    const own = file
      .replace('listen: 8080', `listen: 127.0.0.1:${port}`)
      .replace('/tmp/segue-shop', path.join(root, 'data'))
      .replace('ignore: [v2]', 'ignore: [v2, data]');
    await writeFile(path.join(root, 'segue.yaml'), own);
    const shop = new ShopDatabase(project, server, await server.createDatabase());
    const env = { ...process.env, ...shop.env };
    await promisify(execFile)(process.execPath, ['setup.js'], { cwd: root, env });
    await project.up({ env: shop.env });
    await shop.segue(0, 'database', 'adopt');
    await shop.segue(0, 'deploy', 'web', '--version', 'v1');
    return shop;
  }

  get env(): { DATABASE_URL: string } {
    return { DATABASE_URL: this.server.url(this.database) };
  }

  /** `cp -r v2/. .` */
  async takeV2(): Promise<void> {
    const { root } = this.project;
    await cp(path.join(root, 'v2'), root, { recursive: true });
  }

  async segue(exitCode: number, ...words: string[]): Promise<CliResult> {
    const result = await cli(this.project.root, words, this.env);
    if (result.exitCode !== exitCode)
      throw new Error(`segue ${words.join(' ')} ended with ${result.exitCode}:\n${result.out}${result.err}`);
    return result;
  }

  /** By a connection that is gone afterwards: one that stays would hold a contract. */
  async rows<Row>(sql: string): Promise<readonly Row[]> {
    const client = await this.server.connect(this.database);
    try {
      return (await client.query(sql)).rows as Row[];
    } finally {
      await client.end();
    }
  }

  async columns(): Promise<readonly string[]> {
    const rows = await this.rows<{ name: string }>(
      `SELECT column_name AS name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'customers' ORDER BY 1`,
    );
    return rows.map(({ name }) => name);
  }

  async phases(): Promise<readonly string[]> {
    const rows = await this.rows<{ phase: string }>('SELECT phase FROM segue.changes ORDER BY name');
    return rows.map(({ phase }) => phase);
  }

  /** Customers as a version with those columns finds them, by their log-in. */
  async customers(shape: Shape): Promise<ReadonlyMap<string, Account>> {
    const rows = await this.rows<Account & { login: string }>(
      `SELECT login, ${SHAPES[shape]} FROM customers`,
    );
    return new Map(rows.map(({ login, name, mail }) => [login, { name, mail }]));
  }
}

/** A database with changes made to it, over the real server of `postgres.ts`. */
import { createHash } from 'node:crypto';
import pg from 'pg';
import type { Change } from '../../src/core/database/change.ts';
import type { ChangeRunner, Watch } from '../../src/core/database/runner.ts';
import { systemClock } from '../../src/drivers/clock/system.ts';
import { postgresOpener } from '../../src/drivers/database/postgres/open.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { DatabaseOptions } from '../../src/ports/database.ts';
import { parseChange } from '../../src/wire/change/parse.ts';
import { formatProblem } from '../../src/wire/file/problem.ts';
import type { Postgres } from './postgres.ts';

export interface TestDatabase {
  readonly url: string;
  readonly runner: ChangeRunner;
  /** One connection for looking; `rows` are those of the last statement. */
  sql<Row = Record<string, unknown>>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Another runner on the same database. */
  open(
    holder?: string,
    options?: DatabaseOptions,
    othersAreDead?: boolean,
    clock?: Clock,
  ): Promise<ChangeRunner>;
  connect(): Promise<pg.Client>;
  close(): Promise<void>;
}

export async function testDatabase(server: Postgres, setup: string): Promise<TestDatabase> {
  const name = await server.createDatabase();
  const url = server.url(name);
  const client = new pg.Client(server.config(name));
  // A server that was stopped ends its connections: that is no failure of the test.
  client.on('error', () => undefined);
  await client.connect();
  await client.query(setup);
  const runners: ChangeRunner[] = [];
  const others: pg.Client[] = [];
  const open = async (
    holder = 'test',
    options: DatabaseOptions = {},
    othersAreDead = false,
    clock: Clock = systemClock,
  ) => {
    const opener = postgresOpener({
      clock,
      chance: () => 0.5,
      holder: { name: holder, isGone: () => othersAreDead },
    });
    const runner = await opener.open(url, options);
    runners.push(runner);
    return runner;
  };
  const runner = await open();
  await runner.adopt([]);
  return {
    url,
    runner,
    open,
    async sql<Row>(text: string, values: readonly unknown[] = []) {
      const result = await client.query(text, [...values]);
      return result.rows as Row[];
    },
    async connect() {
      const other = new pg.Client(server.config(name));
      other.on('error', () => undefined);
      await other.connect();
      others.push(other);
      return other;
    },
    async close() {
      for (const each of runners) await each.close();
      for (const each of [client, ...others]) await each.end();
    },
  };
}

/** A change as its file would give it. */
export function changeOf(yaml: string, name = '0001-change'): Change {
  const parsed = parseChange(yaml, 'change.yaml');
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join('\n'));
  const { keepMs, operations } = parsed;
  const digest = createHash('sha256').update(JSON.stringify(operations)).digest('hex');
  return { name, digest, keepMs, body: { form: 'operations', operations } };
}

/** All of a change that is not done yet. */
export async function runToEnd(runner: ChangeRunner, change: Change, watch: Watch = {}): Promise<void> {
  const all = [change];
  const { changes } = await runner.status(all);
  const phase = changes[0]?.phase ?? 'new';
  if (phase === 'new' || phase === 'expanding' || phase === 'reverted')
    await runner.expand(all, change.name, watch);
  if (phase !== 'contracting' && phase !== 'contracted' && phase !== 'finished' && phase !== 'ready')
    await runner.backfill(all, change.name, watch);
  await runner.contract(all, change.name, { now: true }, watch);
}

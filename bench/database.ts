/**
 * What a backfill costs an application, and what every operation does to one under load:
 *   node bench/database.ts [--rows N] [--seconds N] [--rounds N] [--operations] [--check]
 * First the application alone, then during Segue's backfill, during batches of 1000 rows without a pause, and
 * during one UPDATE of the whole table; the same load, table and server, in turn. With --operations every
 * operation goes forward, back and forward again under clients of both versions, and the longest wait is kept.
 * --check: exit code 1 when p99 during the backfill is over 1.2 times that without it, or the rate under 70% of
 * that of the batches, or a statement failed, or one waited longer than the limit of a lock and 100 ms.
 */
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../src/core/limits.ts';
import { changeOf, type TestDatabase, testDatabase } from '../test/support/database.ts';
import { OPERATION_CASES, type OperationCase, withRows } from '../test/support/database-cases.ts';
import { type Postgres, startPostgres } from '../test/support/postgres.ts';
import { Load } from './database/load.ts';
import { lookAtMachine } from './support/machine.ts';

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '15' },
    rounds: { type: 'string', default: '3' },
    operations: { type: 'boolean' },
    check: { type: 'boolean' },
  },
});
const rows = Number(options.rows);
const PER_SECOND = 200;
const CLIENTS = 8;
const P99_TIMES_MAX = 1.2;
const RATE_SHARE_MIN = 0.7;
const WAIT_MS_MAX = limits.database.lockTimeoutMs + 100;
const FIXED_ROWS = 1_000;

const NAME = '0001-change';
const TABLE = `CREATE TABLE people (id bigserial PRIMARY KEY, name text NOT NULL, age int, note text);
  INSERT INTO people (name, age, note) SELECT 'first' || i || ' last' || i, i % 90, repeat('x', 100) FROM generate_series(1, ${rows}) AS i`;
const change = changeOf(
  `operations: [{ splitColumn: { table: people, column: name, into: { first: { type: text, up: "split_part(name, ' ', 1)" }, last: { type: text, up: "split_part(name, ' ', 2)" } }, down: "first || ' ' || last" } }]`,
);
const SET = `SET first = split_part(name, ' ', 1), last = split_part(name, ' ', 2)`;
/** Chosen once for a statement: a volatile expression would read the whole table. */
const any = `(SELECT (1 + floor(random() * ${rows}))::int)`;
const APPLICATION = [
  `UPDATE people SET age = age + 1 WHERE id = ${any}`,
  `SELECT * FROM people WHERE id = ${any}`,
  `UPDATE people SET name = 'Ann ' || age WHERE id = ${any}`,
  `SELECT * FROM people WHERE id = ${any}`,
];

const quantile = (sorted: readonly number[], q: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
const median = (values: readonly number[]) =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

interface Measured {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly rowsPerSecond: number;
  readonly failures: readonly string[];
}

type Way = (db: TestDatabase) => Promise<void>;

const alone: Way = () => sleep(Number(options.seconds) * 1_000);
const segue: Way = (db) => db.runner.backfill([change], NAME);
const fixed: Way = async (db) => {
  await db.sql('SET segue.backfill = on');
  for (let from = 0; from < rows; from += FIXED_ROWS)
    await db.sql(`UPDATE people ${SET} WHERE id > ${from} AND id <= ${from + FIXED_ROWS}`);
  await db.sql('RESET segue.backfill');
};
const whole: Way = async (db) => {
  await db.sql(`BEGIN; SET LOCAL segue.backfill = on; UPDATE people ${SET}; COMMIT`);
};

const WAYS: readonly (readonly [name: string, way: Way])[] = [
  ['the application alone', alone],
  ['backfill of Segue', segue],
  [`batches of ${FIXED_ROWS}, no pause`, fixed],
  ['one UPDATE', whole],
];

async function measure(db: TestDatabase, server: Postgres, way: Way): Promise<Measured> {
  await db.runner.revert([], NAME, { dropData: true }).catch(() => undefined);
  await db.runner.expand([change], NAME);
  await db.sql('VACUUM ANALYZE people');
  await db.sql('CHECKPOINT');
  const [row] = await db.sql<{ name: string }>('SELECT current_database() AS name');
  const config = server.config(row?.name);
  const load = await Load.start({ config, perSecond: PER_SECOND, clients: CLIENTS, statements: APPLICATION });
  await sleep(2_000);
  await load.take();
  const beganMs = performance.now();
  await way(db);
  const tookMs = performance.now() - beganMs;
  const { latenciesMs, failures } = await load.stop();
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  return {
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    maxMs: sorted.at(-1) ?? 0,
    rowsPerSecond: way === alone ? 0 : (rows / tookMs) * 1_000,
    failures,
  };
}

async function compareWays(server: Postgres): Promise<string[]> {
  const db = await testDatabase(server, TABLE);
  const results = new Map<string, Measured[]>(WAYS.map(([name]) => [name, []]));
  for (let round = 0; round < Number(options.rounds); round += 1)
    for (const [name, way] of WAYS) results.get(name)?.push(await measure(db, server, way));
  await db.close();
  console.log(
    `\n${'during'.padEnd(28)} ${'rows/s'.padStart(9)} ${'p50 ms'.padStart(8)} ${'p99 ms'.padStart(8)} ${'longest'.padStart(8)}`,
  );
  const of = (name: string | undefined, key: 'p50Ms' | 'p99Ms' | 'rowsPerSecond' | 'maxMs') =>
    median((results.get(name ?? '') ?? []).map((each) => each[key]));
  for (const [name] of WAYS)
    console.log(
      `${name.padEnd(28)} ${of(name, 'rowsPerSecond').toFixed(0).padStart(9)} ${of(name, 'p50Ms').toFixed(2).padStart(8)} ${of(name, 'p99Ms').toFixed(1).padStart(8)} ${of(name, 'maxMs').toFixed(0).padStart(8)}`,
    );
  const [base, ours, batches] = WAYS.map(([name]) => name);
  const times = of(ours, 'p99Ms') / of(base, 'p99Ms');
  const share = of(ours, 'rowsPerSecond') / of(batches, 'rowsPerSecond');
  console.log(
    `p99 ${times.toFixed(2)} times that of the application alone (at most ${P99_TIMES_MAX}), rate ${(share * 100).toFixed(0)}% of the batches (at least ${RATE_SHARE_MIN * 100}%)`,
  );
  const failures = [...results.values()].flat().flatMap((each) => each.failures);
  return [
    ...(times > P99_TIMES_MAX ? [`p99 ${times.toFixed(2)} times`] : []),
    ...(share < RATE_SHARE_MIN ? [`rate ${(share * 100).toFixed(0)}%`] : []),
    ...failures.slice(0, 3),
  ];
}

interface Went {
  readonly statements: number;
  readonly longestMs: number;
  readonly failures: readonly string[];
}

async function goes(server: Postgres, each: OperationCase): Promise<Went> {
  const db = await testDatabase(server, withRows(each.setup, rows));
  const [row] = await db.sql<{ name: string }>('SELECT current_database() AS name');
  const config = server.config(row?.name);
  const wait = () => sleep(2_000);
  const value = async (query: string) => Object.values((await db.sql(query))[0] ?? {})[0];
  const oldLoad = await Load.start({
    config,
    perSecond: PER_SECOND / 2,
    clients: CLIENTS / 2,
    statements: each.old.map((text) => withRows(text, rows)),
  });
  const forYou = changeOf(each.change);
  const begin = async () => {
    await db.runner.expand([forYou], NAME);
    await db.runner.backfill([forYou], NAME);
    const load = await Load.start({
      config,
      perSecond: PER_SECOND / 2,
      clients: CLIENTS / 2,
      statements: each.new.map((text) => withRows(text, rows)),
    });
    await wait();
    return load;
  };
  const taken = [await (await begin()).stop()];
  await db.runner.revert([forYou], NAME, { dropData: true });
  await wait();
  const again = await begin();
  taken.push(await oldLoad.stop());
  const apart = each.apart === undefined ? 0 : Number(await value(each.apart));
  await db.runner.contract([forYou], NAME, { now: true });
  await wait();
  taken.push(await again.stop());
  await db.close();
  const latencies = taken.flatMap(({ latenciesMs }) => latenciesMs);
  return {
    statements: latencies.length,
    longestMs: latencies.reduce((most, ms) => Math.max(most, ms), 0),
    failures: [...taken.flatMap(({ failures }) => failures), ...(apart > 0 ? [`${apart} rows apart`] : [])],
  };
}

async function everyOperation(server: Postgres): Promise<string[]> {
  console.log(
    `\n${'operation'.padEnd(62)} ${'statements'.padStart(10)} ${'failed'.padStart(6)} ${'longest ms'.padStart(10)}`,
  );
  const wrong: string[] = [];
  for (const each of OPERATION_CASES) {
    const { statements, longestMs, failures } = await goes(server, each);
    console.log(
      `${each.name.padEnd(62)} ${String(statements).padStart(10)} ${String(failures.length).padStart(6)} ${longestMs.toFixed(0).padStart(10)}`,
    );
    wrong.push(
      ...failures.slice(0, 3),
      ...(longestMs > WAIT_MS_MAX ? [`${each.name}: ${longestMs.toFixed(0)} ms`] : []),
    );
  }
  return wrong;
}

const { cores, processor, busyPercent } = await lookAtMachine();
const server = await startPostgres({
  fsync: true,
  settings: { shared_buffers: '256MB', max_wal_size: '4GB' },
});
try {
  console.log(
    `${rows} rows, ${PER_SECOND} statements a second, PostgreSQL ${server.version}; ${cores} cores, ${processor}, ${busyPercent.toFixed(0)}% busy before`,
  );
  const wrong = [...(await compareWays(server)), ...(options.operations ? await everyOperation(server) : [])];
  for (const each of wrong) console.log(`missed: ${each}`);
  if (options.check && wrong.length > 0) process.exitCode = 1;
} finally {
  await server.stop();
}

/** What a backfill costs an application, beside plain ways of doing the same: one load, table and server, in turn. */
import { setTimeout as sleep } from 'node:timers/promises';
import { changeOf, type TestDatabase, testDatabase } from '../../test/support/database.ts';
import type { Postgres } from '../../test/support/postgres.ts';
import { quantileOf, spreadOf } from '../support/spread.ts';
import { Load } from './load.ts';

const PER_SECOND = 200;
const CLIENTS = 8;
const P99_TIMES_MAX = 1.2;
const RATE_SHARE_MIN = 0.7;
const FIXED_ROWS = 1_000;
/** A few milliseconds of work, as a batch of the others is. */
const COMPUTED_ROWS = 50_000;
const NAME = '0001-change';
/** As its backfill is known to the triggers. */
const FILLS = `${NAME}/1`;

export interface WaysOptions {
  readonly rows: number;
  /** Of the application alone. */
  readonly seconds: number;
  readonly rounds: number;
}

const change = changeOf(
  `operations: [{ splitColumn: { table: people, column: name, into: { first: { type: text, up: "split_part(name, ' ', 1)" }, last: { type: text, up: "split_part(name, ' ', 2)" } }, down: "first || ' ' || last" } }]`,
);
const SET = `SET first = split_part(name, ' ', 1), last = split_part(name, ' ', 2)`;

const tableOf = (
  rows: number,
) => `CREATE TABLE people (id bigserial PRIMARY KEY, name text NOT NULL, age int, note text);
  INSERT INTO people (name, age, note) SELECT 'first' || i || ' last' || i, i % 90, repeat('x', 100) FROM generate_series(1, ${rows}) AS i`;

function applicationOf(rows: number): string[] {
  // Chosen once for a statement: a volatile expression would read the whole table.
  const any = `(SELECT (1 + floor(random() * ${rows}))::int)`;
  return [
    `UPDATE people SET age = age + 1 WHERE id = ${any}`,
    `SELECT * FROM people WHERE id = ${any}`,
    `UPDATE people SET name = 'Ann ' || age WHERE id = ${any}`,
    `SELECT * FROM people WHERE id = ${any}`,
  ];
}

interface Measured {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly rowsPerSecond: number;
  readonly failures: readonly string[];
}

type Way = (db: TestDatabase, options: WaysOptions) => Promise<void>;

const alone: Way = (_, { seconds }) => sleep(seconds * 1_000);
const segue: Way = (db) => db.runner.backfill([change], NAME);
const fixed: Way = async (db, { rows }) => {
  await db.sql(`SET segue.backfill = '${FILLS}'`);
  for (let from = 0; from < rows; from += FIXED_ROWS)
    await db.sql(`UPDATE people ${SET} WHERE id > ${from} AND id <= ${from + FIXED_ROWS}`);
  await db.sql('RESET segue.backfill');
};
/** Reads and writes no table and holds no lock: what the application feels is a core that is not there. */
const computing: Way = async (db, { seconds }) => {
  const untilMs = performance.now() + seconds * 1_000;
  while (performance.now() < untilMs)
    await db.sql(`SELECT count(*) FROM generate_series(1, ${COMPUTED_ROWS})`);
};
const whole: Way = async (db) => {
  await db.sql(`BEGIN; SET LOCAL segue.backfill = '${FILLS}'; UPDATE people ${SET}; COMMIT`);
};

const ALONE = 'the application alone';
const OURS = 'backfill of Segue';
const COMPUTING = 'a query that only computes';
const BATCHES = `batches of ${FIXED_ROWS}, no pause`;
const WAYS: readonly (readonly [name: string, way: Way])[] = [
  [ALONE, alone],
  [COMPUTING, computing],
  [OURS, segue],
  [BATCHES, fixed],
  ['one UPDATE', whole],
];

async function measure(
  db: TestDatabase,
  server: Postgres,
  way: Way,
  options: WaysOptions,
): Promise<Measured> {
  const { rows } = options;
  await db.runner.revert([], NAME, { dropData: true }).catch(() => undefined);
  await db.runner.expand([change], NAME);
  await db.sql('VACUUM ANALYZE people');
  await db.sql('CHECKPOINT');
  const [row] = await db.sql<{ name: string }>('SELECT current_database() AS name');
  const config = server.config(row?.name);
  const load = await Load.start({
    config,
    perSecond: PER_SECOND,
    clients: CLIENTS,
    statements: applicationOf(rows),
  });
  await sleep(2_000);
  await load.take();
  const beganMs = performance.now();
  await way(db, options);
  const tookMs = performance.now() - beganMs;
  const { latenciesMs, failures } = await load.stop();
  return {
    p50Ms: quantileOf(latenciesMs, 0.5),
    p99Ms: quantileOf(latenciesMs, 0.99),
    maxMs: quantileOf(latenciesMs, 1),
    rowsPerSecond: way === alone || way === computing ? 0 : (rows / tookMs) * 1_000,
    failures,
  };
}

/** What was missed. */
export async function compareWays(server: Postgres, options: WaysOptions): Promise<string[]> {
  const db = await testDatabase(server, tableOf(options.rows));
  const results = new Map<string, Measured[]>(WAYS.map(([name]) => [name, []]));
  for (let round = 0; round < options.rounds; round += 1)
    for (const [name, way] of WAYS) results.get(name)?.push(await measure(db, server, way, options));
  await db.close();
  console.log(
    `\n${'during'.padEnd(28)} ${'rows/s'.padStart(9)} ${'p50 ms'.padStart(8)} ${'p99 ms'.padStart(8)} ${'longest'.padStart(8)}`,
  );
  const of = (name: string, key: 'p50Ms' | 'p99Ms' | 'rowsPerSecond' | 'maxMs') =>
    spreadOf((results.get(name) ?? []).map((each) => each[key])).median;
  for (const [name] of WAYS)
    console.log(
      `${name.padEnd(28)} ${of(name, 'rowsPerSecond').toFixed(0).padStart(9)} ${of(name, 'p50Ms').toFixed(2).padStart(8)} ${of(name, 'p99Ms').toFixed(1).padStart(8)} ${of(name, 'maxMs').toFixed(0).padStart(8)}`,
    );
  const times = of(OURS, 'p99Ms') / of(ALONE, 'p99Ms');
  const share = of(OURS, 'rowsPerSecond') / of(BATCHES, 'rowsPerSecond');
  console.log(
    `p99 ${times.toFixed(2)} times that of the application alone (at most ${P99_TIMES_MAX}), rate ${(share * 100).toFixed(0)}% of the batches (at least ${RATE_SHARE_MIN * 100}%)`,
  );
  const computed = of(COMPUTING, 'p99Ms') / of(ALONE, 'p99Ms');
  console.log(
    `beside a query that only computes ${computed.toFixed(2)} times: what a busy core costs on this machine`,
  );
  const failures = [...results.values()].flat().flatMap((each) => each.failures);
  return [
    ...(times > P99_TIMES_MAX ? [`p99 ${times.toFixed(2)} times`] : []),
    ...(share < RATE_SHARE_MIN ? [`rate ${(share * 100).toFixed(0)}%`] : []),
    ...failures.slice(0, 3),
  ];
}

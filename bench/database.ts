/**
 * What a backfill costs an application, or what every operation does to one under load:
 *   node bench/database.ts [--rows N] [--seconds N] [--rounds N] [--check]
 *   node bench/database.ts --operations [--rows N] [--only WORDS] [--check]
 * The first has the application alone, then beside a query that only computes, during Segue's backfill, during
 * batches of 1000 rows without a pause, and during one UPDATE of the whole table; the same load, table and server, in
 * turn. With --operations every operation goes forward, back, forward again and contracts under clients of both
 * versions, and a table is printed.
 * --check: exit code 1 when p99 during the backfill is over 1.2 times that without it, or the rate under 70% of
 * that of the batches; or a statement failed, one waited longer than the limit of a lock and 100 ms, the clients
 * were kept from 200 statements a second, or a row was not the same afterwards.
 */
import { parseArgs } from 'node:util';
import { startPostgres } from '../test/support/postgres.ts';
import { everyOperation } from './database/operations.ts';
import { compareWays } from './database/ways.ts';
import { lookAtMachine } from './support/machine.ts';

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    seconds: { type: 'string', default: '15' },
    rounds: { type: 'string', default: '3' },
    operations: { type: 'boolean' },
    only: { type: 'string', default: '' },
    check: { type: 'boolean' },
  },
});
const rows = Number(options.rows);

const { cores, processor, busyPercent } = await lookAtMachine();
const server = await startPostgres({
  fsync: true,
  settings: { shared_buffers: '256MB', max_wal_size: '4GB' },
});
try {
  console.log(
    `${rows} rows, PostgreSQL ${server.version}; ${cores} cores, ${processor}, ${busyPercent.toFixed(0)}% busy before`,
  );
  const missed = options.operations
    ? await everyOperation(server, { rows, only: options.only })
    : await compareWays(server, {
        ...{ rows, seconds: Number(options.seconds), rounds: Number(options.rounds) },
      });
  for (const each of missed) console.log(`missed: ${each}`);
  if (options.check && missed.length > 0) process.exitCode = 1;
} finally {
  await server.stop();
}

/**
 * Hunts a backfill that its users pay for: the requests of what serves wait for the rows of its batches, and it goes on
 * at full speed; or one that never ends because somebody is always slower than before.
 */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { assertEnded } from '../support/outcome.ts';
import { PeopleProject, SPLIT } from '../support/people-project.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { assertClean, plainLoad } from '../support/steady-load.ts';

let server: Postgres;
before(async () => (server = await startPostgres()));
after(() => server.stop());

const CHANGE = '0001-split-name';

/** A counter that whoever changes a person changes as well: a batch holds its row until the batch ends. */
const COUNTER = `CREATE TABLE changed (times bigint NOT NULL); INSERT INTO changed VALUES (0);
  CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE changed SET times = times + 1; RETURN NULL; END';
  CREATE TRIGGER count_change BEFORE UPDATE ON people FOR EACH STATEMENT EXECUTE FUNCTION count_change()`;

it('gives way to users whose requests wait for it, and the release goes on', async (t) => {
  const people = await PeopleProject.serving(t, server, { rows: 60_000 });
  const { project } = people;
  await people.sql.query(COUNTER);
  await people.adopt();
  const load = plainLoad(t, project.port, [
    { kind: 'keep-alive', method: 'GET', path: '/', count: 1, thinkMs: 5 },
    { kind: 'keep-alive', method: 'POST', path: '/', body: 'x', count: 3, thinkMs: 5 },
  ]);
  assert.ok(await project.eventually(() => load.stats().answered > 300), 'it is known how fast they were');
  await people.change(CHANGE, SPLIT);
  const id = await project.begin('v2');
  const pauses: number[] = [];
  const backfill = async () => (await project.status()).database?.backfills[0];
  const slowed = async () => {
    const { state, pauseMs = 0 } = (await backfill()) ?? {};
    if (state === 'slowed' && pauseMs > (pauses.at(-1) ?? 0)) pauses.push(pauseMs);
    return pauses.length >= 3;
  };
  assert.ok(await project.eventually(slowed), `it pauses for longer and longer: ${pauses.join()}`);
  const rows = (await backfill())?.rows ?? 0;
  const further = async () => ((await backfill())?.rows ?? 0) > rows;
  assert.ok(await project.eventually(further), 'it goes on beside them');
  await assertClean(load, 500);
  assertEnded(await project.ended(id), 'done');
  assert.equal(await people.lost('new'), 0);
});

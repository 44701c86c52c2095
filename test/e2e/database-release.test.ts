/**
 * Hunts a release that changes the database and is noticed: a request that fails while a column is renamed and another
 * one split under it, a row that a way back loses, and a contract that comes while something needs the old schema (R6).
 */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { outcomeOf } from '../support/outcome.ts';
import { PeopleProject, SPLIT } from '../support/people-project.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { assertClean, plainLoad } from '../support/steady-load.ts';
import type { ApiFailure } from '../support/api-client.ts';

let server: Postgres;
before(async () => (server = await startPostgres()));
after(() => server.stop());

const CHANGE = '0001-split-name';

it('renames and splits columns in a canary under load, goes back, comes again, contracts: nothing is lost', async (t) => {
  const strategy = '{ type: canary, steps: [{ weight: 50, for: 1h }] }';
  const people = await PeopleProject.serving(t, server, { strategy });
  const { project } = people;
  const load = plainLoad(t, project.port, [
    { kind: 'keep-alive', method: 'GET', path: '/', count: 2, thinkMs: 2 },
    { kind: 'keep-alive', method: 'POST', path: '/', body: 'x', count: 3, thinkMs: 2 },
    { kind: 'per-request', method: 'GET', path: '/', count: 1, thinkMs: 5 },
  ]);
  await people.change(CHANGE, SPLIT);
  const first = await project.begin('v2');
  assert.ok(
    await project.eventually(async () => (await project.web()).release?.percent === 50),
    'half of the traffic',
  );
  const seen = load.stats().answered;
  assert.ok(
    await project.eventually(() => load.stats().answered > seen + 200),
    'both versions read and write',
  );
  await project.abort();
  const back = await project.ended(first);
  assert.equal(outcomeOf(back), 'rolled-back');
  assert.equal(await people.phaseOf(CHANGE), 'ready', 'it stays expanded');
  const again = await project.begin('v2');
  assert.ok(await project.eventually(async () => (await project.web()).release?.percent === 50));
  await project.api('POST', '/v1/services/web/promote', { by: 'test', reason: '', extent: 'now' });
  assert.equal(outcomeOf(await project.ended(again)), 'done');
  assert.equal(await people.lost('old'), 0);
  assert.equal(await people.lost('new'), 0);

  const old = await server.connect(people.database);
  await old.query(`SET application_name = 'segue:web:v1:web-r1-1'`);
  await assert.rejects(people.contract(CHANGE), (error: ApiFailure) => {
    assert.equal(error.error.code, 'CONTRACT_REFUSED');
    assert.match(error.error.detail, /"segue:web:v1:web-r1-1" is connected as postgres/);
    return true;
  });
  await old.end();
  await people.contract(CHANGE);
  assert.deepEqual(await people.columns(), ['email', 'first_name', 'id', 'last_name']);
  await assert.rejects(project.rollback(), (error: ApiFailure) => {
    assert.equal(error.error.code, 'ROLLBACK_PAST_CONTRACT');
    return true;
  });
  await assertClean(load, 500);
  assert.equal(await people.lost('new'), 0);
});

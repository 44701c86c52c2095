/**
 * Hunts what two services on one database do to each other: a rollback that waits for the rows of somebody else's
 * release, a backfill that does not go on behind it, and writes that are lost between them.
 */
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, it } from 'node:test';
import type { DeployResponse } from '../../src/wire/api.ts';
import { assertEnded } from '../support/outcome.ts';
import { PeopleProject, SPLIT, secondService } from '../support/people-project.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { assertClean, plainLoad } from '../support/steady-load.ts';

let server: Postgres;
before(async () => (server = await startPostgres()));
after(() => server.stop());

const SPLIT_NAME = '0001-split-name';
const LATER = '0002-nickname';
const ADD = `operations:
  - addColumn: { table: people, column: nickname, type: text, up: "'nick ' || id" }
`;

it('a rollback takes its contract back beside a backfill that stands still, which then goes on', async (t) => {
  const beside = await secondService();
  const people = await PeopleProject.serving(t, server, { beside, instances: 1, rows: 60_000 });
  const { project } = people;
  const begin = async (version: string, dir: string) => {
    const body = { service: 'api', version, dir: path.join('builds', dir), by: 'test' };
    const { release } = await project.api<DeployResponse>('POST', '/v1/releases', body);
    return release?.id ?? '';
  };
  await people.change(SPLIT_NAME, SPLIT.replace('keep: 0', 'keep: 1d'));
  assertEnded(await project.deploy('v2'), 'done');
  assertEnded(await project.ended(await begin('a1', 'v2')), 'done');
  await people.contract(SPLIT_NAME);
  const load = plainLoad(t, project.port, [
    { kind: 'keep-alive', method: 'POST', path: '/', body: 'x', count: 1, thinkMs: 5 },
    { kind: 'keep-alive', method: 'GET', path: '/', count: 1, thinkMs: 5 },
  ]);

  await people.change(LATER, ADD);
  const id = await begin('a2', 'v3');
  const backfill = async () => (await project.status()).database?.backfills[0];
  assert.ok(await project.eventually(async () => ((await backfill())?.rows ?? 0) > 0));
  await project.api('POST', '/v1/services/api/pause', { by: 'test', reason: 'not now' });
  assert.ok(await project.eventually(async () => (await backfill())?.state === 'throttled'));
  const rows = (await backfill())?.rows ?? 0;

  assertEnded(await project.rollback(), 'done');
  assert.equal((await project.web()).stable, 'v1');
  assert.equal(await people.phaseOf(SPLIT_NAME), 'ready');
  assert.equal(await people.phaseOf(LATER), 'expanded');
  assert.ok(
    await project.eventually(async () => (await backfill())?.state === 'throttled'),
    'it stands still',
  );
  assert.ok(((await backfill())?.rows ?? 0) >= rows, 'where it was');

  await project.api('POST', '/v1/services/api/resume', { by: 'test', reason: '' });
  assertEnded(await project.ended(id), 'done');
  assert.equal(await people.phaseOf(LATER), 'ready');
  const { rows: unfilled } = await people.sql.query('SELECT FROM people WHERE nickname IS NULL');
  assert.equal(unfilled.length, 0);
  await assertClean(load, 100);
  assert.deepEqual([await people.lost('old'), await people.lost('new')], [0, 0]);
});

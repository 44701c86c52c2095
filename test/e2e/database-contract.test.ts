/**
 * Hunts contracts that come too early or never (R6): while a program that nobody vouches for is connected, by the file
 * as by a person's word; a way back from them that loses what was written, or that one which failed bars; and, once what they replaced is gone, a way
 * back to a version whose writes nobody would see.
 */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { DeployResponse } from '../../src/wire/api.ts';
import type { ApiFailure } from '../support/api-client.ts';
import { cli, endCli } from '../support/cli.ts';
import { assertEnded } from '../support/outcome.ts';
import { PeopleProject, SPLIT } from '../support/people-project.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { assertClean, plainLoad } from '../support/steady-load.ts';

let server: Postgres;
before(async () => (server = await startPostgres()));
after(() => server.stop());
after(() => endCli());

const CHANGE = '0001-split-name';

it('comes by itself after its time, which an unknown client holds back', async (t) => {
  const people = await PeopleProject.serving(t, server, { contract: '{ after: 1s, clients: [the test] }' });
  const { project } = people;
  const reporting = await server.connect(people.database);
  await reporting.query(`SET application_name = 'reporting'`);
  await people.change(CHANGE, SPLIT);
  assertEnded(await project.deploy('v2'), 'done');
  const by = async () => (await project.status()).database?.contracts[0]?.by.join('; ') ?? '';
  assert.ok(await project.eventually(async () => (await by()) === '"reporting" is connected as postgres'));
  assert.equal(await people.last('contract-free'), undefined);
  const { out } = await cli(project.root, ['status']);
  assert.match(out, /0001-split-name +filled +contract waits: "reporting" is connected as postgres, for /);
  assert.match(
    out,
    /back to v1: "segue rollback web" makes a new release; v1 can come back until the contract/,
  );
  const shown = await cli(project.root, ['show']);
  assert.match(
    shown.out,
    /\nContracts\n +0001-split-name +contract waits\n +database +"reporting" is connected as postgres, for \S+\n/,
  );
  assert.match(shown.out, /now: "segue rollback web" makes a new release; v1 can come back until/);
  await reporting.end();
  assert.ok(await project.eventually(async () => (await people.last('contract-done')) !== undefined));
  const kinds = (await project.journal()).flatMap(({ fact }) =>
    fact.kind.startsWith('contract') ? [fact.kind] : [],
  );
  assert.deepEqual(kinds, ['contract-free', 'contract-begun', 'contract-done']);
  assert.deepEqual(await people.columns(), ['email', 'first_name', 'id', 'last_name']);
});

it('begins anew when somebody comes back, and says who, where that was seen and since when', async (t) => {
  const people = await PeopleProject.serving(t, server);
  const { project } = people;
  await people.change(CHANGE, SPLIT);
  assertEnded(await project.deploy('v2'), 'done');
  const contract = async () => (await project.status()).database?.contracts[0];
  const isFree = async () => ((await contract())?.freeSinceMs ?? null) !== null;
  assert.ok(await project.eventually(isFree), await people.tail());
  const stranger = await server.connect(people.database);
  assert.ok(await project.eventually(async () => ((await contract())?.againSinceMs ?? null) !== null));
  const { neededBy = [], freeSinceMs } = (await contract()) ?? {};
  assert.equal(freeSinceMs, null);
  assert.deepEqual(
    neededBy.map(({ seenIn, what }) => [seenIn, what]),
    [['database', 'a program without a name is connected as postgres']],
  );
  const { rows } = await stranger.query<{ ms: number }>(
    'SELECT (extract(epoch FROM backend_start) * 1000)::float8 AS ms FROM pg_stat_activity WHERE pid = pg_backend_pid()',
  );
  assert.equal(neededBy[0]?.sinceMs, rows[0]?.ms, 'since it was connected');
  const { out } = await cli(project.root, ['show']);
  assert.match(out, /contract waits, needed again\n[^]*\n +needed again for \S+: its time begins anew\n/);
  await stranger.end();
  assert.ok(await project.eventually(isFree));
  assert.equal((await contract())?.againSinceMs, null);
});

it('is taken back with the code while what it replaced is kept, and refuses the way back after that', async (t) => {
  const people = await PeopleProject.serving(t, server);
  const { project } = people;
  const segue = (...words: string[]) =>
    cli(project.root, words, { DATABASE_URL: server.url(people.database) });
  await people.change(CHANGE, SPLIT.replace('keep: 0', 'keep: 1d'));
  const early = await segue('database', 'contract', CHANGE);
  assert.equal(early.exitCode, 2, early.err);
  const planned = await segue('plan', 'web', '--version', 'v2', '--dir', 'builds/v2');
  assert.match(planned.out, /v1 can come back until 1d after the contract of 0001-split-name/);
  assertEnded(await project.deploy('v2'), 'done');
  const load = plainLoad(t, project.port, [
    { kind: 'keep-alive', method: 'GET', path: '/', count: 1, thinkMs: 5 },
    { kind: 'keep-alive', method: 'POST', path: '/', body: 'x', count: 2, thinkMs: 5 },
  ]);
  const used = await segue('database', 'revert', CHANGE);
  assert.equal(used.exitCode, 5);
  assert.match(used.err, /v2 of web serves/);
  const contracted = await segue('database', 'contract', '0001', '--reason', 'nobody needs it');
  assert.equal(contracted.exitCode, 0, contracted.err);
  assert.match(contracted.out, /contracted: 0001-split-name/);
  assert.equal((await people.last('contract-asked'))?.reason, 'nobody needs it');
  const kept = await segue('database', 'status');
  assert.match(kept.out, /kept in step for .* old code can run again/);
  const written = load.stats().answered;
  assert.ok(await project.eventually(() => load.stats().answered > written + 100), 'v2 writes');

  const back = await segue('rollback', 'web');
  assert.equal(back.exitCode, 0, back.err);
  assert.equal((await project.web()).stable, 'v1');
  assert.equal(await people.phaseOf(CHANGE), 'ready');
  assert.ok(await project.eventually(() => load.stats().answered > written + 300), 'v1 writes');
  assert.equal(await people.lost('old'), 0, 'what v2 wrote is there, and what v1 writes');
  assert.equal(await people.lost('new'), 0);

  assertEnded(await project.deploy('v2'), 'done');
  assert.equal((await project.status()).database?.contracts[0]?.dueAtMs ?? null, null, 'no old word counts');
  await people.contract(CHANGE);
  assert.equal(await people.phaseOf(CHANGE), 'contracted');
  const finished = await segue('database', 'contract', CHANGE, '--now');
  assert.equal(finished.exitCode, 0, finished.err);
  const late = await segue('rollback', 'web');
  assert.equal(late.exitCode, 5);
  assert.match(
    late.err,
    /ROLLBACK_PAST_CONTRACT[^]*0001-split-name was contracted, and v1 was made before it/,
  );
  assert.equal((await project.web()).stable, 'v2');
  await assertClean(load, 100);
  assert.equal(await people.lost('new'), 0);
  assert.deepEqual(await people.columns(), ['email', 'first_name', 'id', 'last_name']);
});

/** It fails half way: the new columns have their rules by then, and the old ones are written still. */
const BROKEN = `CREATE FUNCTION broken() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no trigger goes'; END $$;
  CREATE EVENT TRIGGER broken ON ddl_command_start WHEN TAG IN ('DROP TRIGGER') EXECUTE FUNCTION broken()`;

it('is taken back with the code after it failed half way, and says so until then', async (t) => {
  const people = await PeopleProject.serving(t, server);
  const { project } = people;
  await people.change(CHANGE, SPLIT.replace('keep: 0', 'keep: 1d'));
  assertEnded(await project.deploy('v2'), 'done');
  await people.sql.query(BROKEN);
  await assert.rejects(people.contract(CHANGE), (error: ApiFailure) => {
    assert.equal(error.error.code, 'DATABASE_STATEMENT_FAILED');
    return true;
  });
  assert.equal(await people.phaseOf(CHANGE), 'contracting');
  await people.sql.query('DROP EVENT TRIGGER broken');
  const failed = async () => (await cli(project.root, ['status'])).out;
  const said =
    /0001-split-name +contracting +contract failed \(DATABASE_STATEMENT_FAILED\), "segue database contract/;
  assert.ok(await project.eventually(async () => said.test(await failed())), await failed());
  const back = await cli(project.root, ['rollback', 'web']);
  assert.equal(back.exitCode, 0, back.err);
  assert.equal((await project.web()).stable, 'v1');
  assert.equal(await people.phaseOf(CHANGE), 'ready');
  assert.deepEqual([await people.lost('old'), await people.lost('new')], [0, 0]);
  assertEnded(await project.deploy('v2'), 'done');
  await people.contract(CHANGE);
  assert.equal(await people.phaseOf(CHANGE), 'contracted');
});

it('is half taken back by a rollback that is aborted, shown as that, and taken back by the next one', async (t) => {
  const people = await PeopleProject.serving(t, server, { instances: 1 });
  const { project } = people;
  await people.change(CHANGE, SPLIT.replace('keep: 0', 'keep: 1d'));
  assertEnded(await project.deploy('v2'), 'done');
  await people.contract(CHANGE);
  const holder = await server.connect(people.database);
  await holder.query('BEGIN; LOCK TABLE people IN ROW EXCLUSIVE MODE');
  const begin = async () => {
    const body = { to: null, by: 'test', reason: '' };
    const { release } = await project.api<DeployResponse>('POST', '/v1/services/web/rollback', body);
    return release?.id ?? '';
  };
  const first = await begin();
  assert.ok(await project.eventually(async () => (await people.phaseOf(CHANGE)) === 'restoring'));
  await project.abort();
  assertEnded(await project.ended(first), 'rolled-back');
  assert.equal((await project.web()).stable, 'v2');
  const shown = async () => (await cli(project.root, ['status'])).out;
  const halfway = /0001-split-name +restoring +half taken back; a rollback or "segue database revert/;
  assert.ok(await project.eventually(async () => halfway.test(await shown())), await shown());
  await assert.rejects(people.contract(CHANGE), (error: ApiFailure) => {
    assert.match(
      error.error.detail,
      /half taken back; a rollback or "segue database revert 0001-split-name --c/,
    );
    return true;
  });

  const second = await begin();
  const lastWait = async () => (await project.journal()).findLast(({ fact }) => fact.kind === 'schema-waits');
  assert.equal(await lastWait(), undefined);
  await people.cutOff();
  assert.ok(
    await project.eventually(async () => (await lastWait())?.release === second),
    'it holds, and says why',
  );
  await people.refuseConnections(false);
  await holder.query('COMMIT');
  await holder.end();
  assertEnded(await project.ended(second), 'done');
  assert.equal((await project.web()).stable, 'v1');
  assert.equal(await people.phaseOf(CHANGE), 'ready');
  assert.deepEqual([await people.lost('old'), await people.lost('new')], [0, 0]);
});

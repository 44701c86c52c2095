/**
 * Hunts releases that a database leaves half done: refused after something was changed, given up while it is away for a
 * moment, a backfill that goes on after its release was taken back, a wrong change that nobody can correct any more,
 * and a group that makes a change twice.
 */
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { causeOf } from '../../src/core/release/records.ts';
import type { TogetherResponse } from '../../src/wire/api.ts';
import type { ApiFailure } from '../support/api-client.ts';
import { cli, endCli } from '../support/cli.ts';
import { assertEnded } from '../support/outcome.ts';
import { PeopleProject, SPLIT, secondService } from '../support/people-project.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';

let server: Postgres;
before(async () => (server = await startPostgres()));
after(() => server.stop());
after(() => endCli());

const CHANGE = '0001-split-name';

it('pauses and takes back a backfill under way; the next release goes on where it stopped', async (t) => {
  const people = await PeopleProject.serving(t, server, { rows: 60_000 });
  const { project } = people;
  await people.change(CHANGE, SPLIT);
  const id = await project.begin('v2');
  const word = { by: 'test', reason: 'too busy now' };
  const backfill = async () => (await project.status()).database?.backfills[0];
  assert.ok(await project.eventually(async () => ((await backfill())?.rows ?? 0) > 0));
  await project.api('POST', '/v1/services/web/pause', word);
  assert.ok(
    await project.eventually(async () => (await backfill())?.state === 'throttled'),
    'it stands still',
  );
  await project.abort();
  assertEnded(await project.ended(id), 'rolled-back');
  assert.equal(await people.phaseOf(CHANGE), 'expanded');
  const stopped = await people.sql.query<{ rows: string }>('SELECT sum(rows) AS rows FROM segue.backfills');
  assert.ok(Number(stopped.rows[0]?.rows) > 0);
  assert.equal((await project.web()).stable, 'v1');
  assertEnded(await project.deploy('v2'), 'done');
  const { rows } = await people.sql.query<{ event: string }>(
    `SELECT event FROM segue.history WHERE event = 'expanding'`,
  );
  assert.equal(rows.length, 1, 'it was expanded once');
  assert.equal(await people.lost('new'), 0);
  assert.equal(await people.lost('old'), 0);
});

it('refuses a release before anything is changed while the database does not answer, and a rollback not', async (t) => {
  const people = await PeopleProject.serving(t, server);
  const { project } = people;
  await people.change(CHANGE, SPLIT);
  assertEnded(await project.deploy('v2'), 'done');
  await people.refuseConnections(true);
  const written = (await project.journal()).length;
  await assert.rejects(project.begin('v3'), (error: ApiFailure) => {
    assert.equal(error.error.code, 'SCHEMA_NOT_READ');
    assert.match(error.error.detail, /not currently accepting connections/);
    return true;
  });
  assert.equal((await project.journal()).length, written, 'nothing was done');
  // The old version cannot connect: what counts is that the rollback was planned and begun.
  const { release } = await project.api<{ release: { id: string } }>('POST', '/v1/services/web/rollback', {
    ...{ to: null, by: 'test', reason: '' },
  });
  const { plan } = (await project.release(release.id)).release;
  assert.match(plan.certificate.problems.join(), /planned by what it said last/);
  await project.abort();
  await people.refuseConnections(false);
  assertEnded(await project.ended(release.id), 'rolled-back');
});

it('refuses a release of a change before anything is done where the database was not adopted', async (t) => {
  const people = await PeopleProject.serving(t, server, { adopted: false, instances: 1 });
  const { project } = people;
  await people.change(CHANGE, SPLIT);
  const written = (await project.journal()).length;
  const args = ['deploy', 'web', '--version', 'v2', '--dir', 'builds/v2'];
  for (const verb of [['plan', ...args.slice(1)], args]) {
    const { exitCode, err } = await cli(project.root, verb, { DATABASE_URL: server.url(people.database) });
    assert.equal(exitCode, 5, err);
    assert.match(err, /DATABASE_NOT_ADOPTED[^]*segue database adopt/);
  }
  assert.equal((await project.journal()).length, written, 'nothing was done');
  await people.adopt();
  assertEnded(await project.deploy('v2'), 'done');
});

it('holds while the database is away in the middle, and goes on when it is back', async (t) => {
  const people = await PeopleProject.serving(t, server, { rows: 60_000 });
  const { project } = people;
  await people.change(CHANGE, SPLIT);
  const id = await project.begin('v2');
  const backfill = async () => (await project.status()).database?.backfills[0];
  assert.ok(await project.eventually(async () => ((await backfill())?.rows ?? 0) > 0));
  await people.cutOff();
  assert.ok(
    await project.eventually(async () => (await people.last('schema-waits')) !== undefined),
    'it says that it waits',
  );
  assert.equal((await project.release(id)).release.state.phase, 'forward');
  await people.refuseConnections(false);
  assertEnded(await project.ended(id), 'done');
  assert.equal(await people.lost('new'), 0);
});

it('takes back a change that the rows do not allow, so that it can be corrected and released again', async (t) => {
  const people = await PeopleProject.serving(t, server);
  const { project } = people;
  await people.change(
    '0001-good',
    'operations:\n  - renameColumn: { table: people, column: mail, to: email }\n',
  );
  const wrong = SPLIT.replace(`split_part(name, ' ', 1)`, `(1 / (id - 1000))::text`);
  await people.change('0002-wrong', `operations:\n${wrong.slice(wrong.indexOf('  - splitColumn'))}`);
  const release = await project.deploy('v2');
  assertEnded(release, 'rolled-back');
  assert.equal(causeOf(release)?.code, 'DATABASE_STATEMENT_FAILED');
  assert.match(causeOf(release)?.detail ?? '', /0002-wrong, backfill .* division by zero/);
  assert.deepEqual(
    [await people.phaseOf('0001-good'), await people.phaseOf('0002-wrong')],
    ['ready', 'reverted'],
  );
  assert.deepEqual(await people.columns(), ['email', 'id', 'mail', 'name']);
  await people.change('0002-wrong', `operations:\n${SPLIT.slice(SPLIT.indexOf('  - splitColumn'))}`);
  assertEnded(await project.deploy('v2'), 'done');
  assert.equal(await people.lost('new'), 0);
});

it('brings a change once for several services, before any of their candidates begins', async (t) => {
  const beside = await secondService();
  const people = await PeopleProject.serving(t, server, { beside, instances: 1 });
  const { project } = people;
  await people.change(CHANGE, SPLIT);
  const services = ['api', 'web'].map((service) => ({ service, version: 'v2', dir: 'builds/v2' }));
  const { releases } = await project.api<TogetherResponse>('POST', '/v1/together', { services, by: 'test' });
  for (const { id } of releases) assertEnded(await project.ended(id), 'done');
  const journal = await project.journal();
  const begun = journal.flatMap(({ fact, seq }) =>
    fact.kind === 'step-started' ? [{ step: fact.step, seq }] : [],
  );
  const expands = begun.filter(({ step }) => step.kind === 'expand');
  assert.equal(expands.length, 1);
  const starts = begun.filter(({ step }) => step.kind === 'start' && step.instances[0]?.version === 'v2');
  assert.equal(starts.length, 2);
  for (const { seq } of starts) assert.ok(seq > (expands[0]?.seq ?? Infinity));
  assert.deepEqual(
    (await project.status()).services.map(({ stable }) => stable),
    ['v2', 'v2'],
  );
});

/**
 * Hunts a release that changes the database and is noticed: a request that fails while a column is renamed and another
 * one split under it, a write that was acknowledged and that one of the versions does not find, a way back that loses
 * one, and a contract that comes while something needs the old schema (R6). It is the example that people try.
 */
import assert from 'node:assert/strict';
import { after, before, it, type TestContext } from 'node:test';
import type { Load } from '../load/summary.ts';
import { endCli } from '../support/cli.ts';
import { assertEnded } from '../support/outcome.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { type Shape, ShopDatabase } from '../support/shop-database.ts';
import { assertClean, loadOf } from '../support/steady-load.ts';

let server: Postgres;
before(async () => (server = await startPostgres()));
after(() => server.stop());
after(() => endCli());

const RENAME = '0001-rename-mail';
const SPLIT = '0002-split-name';
const BEFORE = 5_000;

function crowd(t: TestContext, { project }: ShopDatabase): Load {
  return loadOf(t, project.port, {
    clients: [
      { kind: 'keep-alive', method: 'GET', path: '/', count: 1, thinkMs: 5 },
      { kind: 'per-request', method: 'GET', path: '/', count: 1, thinkMs: 10 },
    ],
    accounts: { count: 4, thinkMs: 2 },
    sessions: { count: 1, thinkMs: 10 },
  });
}

/** Each of the two has answered more requests since. */
async function bothAnswer({ project }: ShopDatabase, load: Load): Promise<void> {
  const countOf = (version: string) => load.stats().versions[version]?.requests ?? 0;
  const [v1, v2] = [countOf('v1'), countOf('v2')];
  const more = () => countOf('v1') > v1 + 100 && countOf('v2') > v2 + 100;
  assert.ok(await project.eventually(more), 'both versions read and write');
}

/** Nothing failed, and what was acknowledged is there, as each of those versions would read it. */
async function nothingIsLost(shop: ShopDatabase, load: Load, shapes: readonly Shape[]): Promise<number> {
  const { accounts } = await assertClean(load, 500);
  const said = Object.entries(accounts);
  assert.ok(said.length > 4, 'people came');
  for (const shape of shapes) {
    const found = await shop.customers(shape);
    for (const [login, account] of said) assert.deepEqual(found.get(login), account, `${login}, ${shape}`);
  }
  return said.length;
}

it('the example shop renames and splits a column in a canary under load, goes back, comes again, contracts', async (t) => {
  const shop = await ShopDatabase.serving(t, server);
  const { project } = shop;
  const atFirst = await shop.customers('old');
  assert.equal(atFirst.size, BEFORE);
  const load = crowd(t, shop);
  await shop.takeV2();

  const asked = await shop.segue(4, 'deploy', 'web', '--version', 'v2');
  assert.match(asked.out, /go on: segue approve web/);
  assert.equal((await project.web()).release?.percent, 50);
  await bothAnswer(shop, load);
  const first = (await project.web()).release?.id ?? '';
  await shop.segue(0, 'abort', 'web');
  assertEnded(await project.ended(first), 'rolled-back');
  assert.deepEqual(await shop.phases(), ['ready', 'ready'], 'it stays expanded');

  await shop.segue(4, 'deploy', 'web', '--version', 'v2');
  await bothAnswer(shop, load);
  const again = (await project.web()).release?.id ?? '';
  assert.notEqual(again, first);
  await shop.segue(0, 'approve', 'web');
  assertEnded(await project.ended(again), 'done');

  const old = await server.connect(shop.database);
  await old.query(`SET application_name = 'segue:web:v1:web-r1-1'`);
  const refused = await shop.segue(5, 'database', 'contract', RENAME, '--reason', 'early');
  assert.match(refused.err, /CONTRACT_REFUSED[^]*"segue:web:v1:web-r1-1" is connected as postgres/);
  await old.end();
  const contractBoth = async () => {
    for (const change of [RENAME, SPLIT])
      await shop.segue(0, 'database', 'contract', change, '--reason', 'v1 does not come back');
    assert.deepEqual(await shop.phases(), ['contracted', 'contracted']);
  };
  await contractBoth();
  await shop.segue(0, 'rollback', 'web');
  assert.deepEqual(
    await shop.phases(),
    ['ready', 'ready'],
    'while what they replaced is kept, both come back',
  );
  await shop.segue(4, 'deploy', 'web', '--version', 'v2');
  await bothAnswer(shop, load);
  await shop.segue(0, 'approve', 'web');
  assertEnded(await project.ended((await project.web()).release?.id ?? ''), 'done');
  await contractBoth();
  const people = await nothingIsLost(shop, load, ['old', 'new']);
  for (const shape of ['old', 'new'] as const) {
    const now = await shop.customers(shape);
    assert.equal(now.size, BEFORE + people);
    for (const [login, account] of atFirst) assert.deepEqual(now.get(login), account);
  }

  const later = crowd(t, shop);
  for (const change of [RENAME, SPLIT])
    await shop.segue(0, 'database', 'contract', change, '--now', '--reason', 'nor do its columns');
  assert.deepEqual(await shop.columns(), ['email', 'first_name', 'last_name', 'login']);
  await nothingIsLost(shop, later, ['new']);
  assert.match((await shop.segue(5, 'rollback', 'web')).err, /ROLLBACK_PAST_CONTRACT/);
});

/**
 * Hunts what control leaves of a database when it is killed: at every journal write of a release up to its first
 * traffic, of a contract and of the way back from one, before it (the act is done, and not written) and after it
 * (written, and not done). What the journal says and what the database says has to agree in the end, and a change must
 * be made once.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { assertEnded } from '../support/outcome.ts';
import { PeopleProject, SPLIT } from '../support/people-project.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';
import { program } from '../support/program.ts';
import { assertClean, plainLoad } from '../support/steady-load.ts';

const main = program('test/support/crash-control.ts');

let server: Postgres;
before(async () => (server = await startPostgres()));
after(() => server.stop());

const nameOf = (number: number) => `${String(number).padStart(4, '0')}-extra`;

const changeOf = (number: number) => `keep: 0
operations:
  - addColumn: { table: people, column: extra${number}, type: text, up: "'extra ' || id" }
`;

/** A project whose control is killed where a test says. */
class Killed {
  readonly people: PeopleProject;
  crashes = 0;
  readonly #files: { readonly writes: string; readonly crash: string };

  private constructor(people: PeopleProject, files: { readonly writes: string; readonly crash: string }) {
    this.people = people;
    this.#files = files;
  }

  static async serving(t: TestContext): Promise<Killed> {
    const dir = await mkdtemp(path.join(os.tmpdir(), 'segue-crash-'));
    t.after(() => rm(dir, { recursive: true }));
    const files = { writes: path.join(dir, 'writes'), crash: path.join(dir, 'crash') };
    for (const file of Object.values(files)) await writeFile(file, '');
    const up = { main, env: { SEGUE_TEST_WRITES_FILE: files.writes, SEGUE_TEST_CRASH_FILE: files.crash } };
    return new Killed(await PeopleProject.serving(t, server, { rows: 600, instances: 1, up }), files);
  }

  /** Does it with control killed at that point, and takes it up again; false: it was over before. */
  async crashing(
    point: string,
    work: () => Promise<unknown>,
    over: () => Promise<boolean>,
  ): Promise<boolean> {
    const { people } = this;
    const { project } = people;
    const died = () => project.control?.signalCode === 'SIGKILL';
    await writeFile(this.#files.crash, point);
    const asked = work().catch(() => null);
    const came = await project.eventually(async () => died() || (await over()));
    assert.ok(came, `something came of ${point}: ${came ? '' : await people.tail()}`);
    await writeFile(this.#files.crash, '');
    await asked;
    const crashed = !(await project.status().then(
      () => true,
      () => false,
    ));
    if (crashed) {
      assert.ok(await project.eventually(died), `control is gone after ${point}`);
      await people.up();
    }
    this.crashes += crashed ? 1 : 0;
    return crashed;
  }

  /**
   * Those about steps and contracts, and those that keep what was seen of the database. What instances write is the
   * same without one (`crash-rolling.test.ts`), and so is all that comes after the first routing.
   */
  async writesOf(work: () => Promise<unknown>, last: RegExp, times = 1): Promise<number[]> {
    await writeFile(this.#files.writes, '');
    await work();
    const lines = (await readFile(this.#files.writes, 'utf8')).split('\n').map((line) => line.split(' '));
    const ends = lines.flatMap(([, kinds = ''], index) => (last.test(kinds) ? [index] : []));
    const ours = lines
      .slice(0, (ends[times - 1] ?? -1) + 1)
      .filter(([, kinds = '']) => kinds === '' || /release-|step-|contract-/.test(kinds));
    return ours.map(([write]) => Number(write));
  }
}

/** One release, and one contract, for every point at which control is killed; each change builds on the ones before. */
test('killed at any write around expand, backfill and contract, control ends where the database is', async (t) => {
  const killed = await Killed.serving(t);
  const { people } = killed;
  const { project } = people;
  const load = plainLoad(t, project.port, [
    { kind: 'keep-alive', method: 'POST', path: '/', body: 'x', count: 1, thinkMs: 20 },
    { kind: 'keep-alive', method: 'GET', path: '/', count: 1, thinkMs: 20 },
  ]);
  let changes = 0;
  const release = async (point: string) => {
    changes += 1;
    const [change, version] = [nameOf(changes), `c${changes}`];
    await people.change(change, changeOf(changes));
    const begin = () => project.begin(version, path.join('builds', 'v1'));
    const isOver = async () =>
      (await project.web()).stable === version && (await project.web()).release === null;
    const crashed = await killed.crashing(point, begin, isOver);
    // Killed before the release was written, there is none.
    const { release: active, stable } = await project.web();
    if (active === null && stable !== version) await begin();
    const serves = await project.eventually(isOver);
    assert.ok(serves, `${version} serves after ${point}: ${serves ? '' : await people.tail()}`);
    assertEnded((await project.release((await project.web()).last?.id ?? '')).release, 'done');
    assert.equal(await people.phaseOf(change), 'ready', point);
    const begun = await people.sql.query(
      `SELECT FROM segue.history WHERE change = $1 AND event = 'expanding'`,
      [change],
    );
    assert.equal(begun.rowCount, 1, `made once, whatever happened at ${point}`);
    const { rows } = await people.sql.query<{ wrong: number }>(
      `SELECT count(*)::int AS wrong FROM people WHERE extra${changes} IS DISTINCT FROM 'extra ' || id`,
    );
    assert.equal(rows[0]?.wrong, 0, `every row is filled after ${point}`);
    return crashed;
  };

  const points = await killed.writesOf(() => release(''), /routing-applied/);
  assert.ok(points.length > 5, `expand and backfill make writes, found ${points.join()}`);
  for (const point of points) for (const moment of ['before', 'after']) await release(`${moment}:${point}`);

  let contracted = 0;
  const contract = async (point: string) => {
    contracted += 1;
    const change = nameOf(contracted);
    const isOver = async () => (await people.last('contract-done'))?.change === change;
    await killed.crashing(point, () => people.contract(change), isOver);
    const done = async () => {
      const { contracts = [], changes: all = [] } = (await project.status()).database ?? {};
      const kept = contracts.some((each) => each.change === change);
      return !kept && all.find(({ name }) => name === change)?.reach === 'finished';
    };
    // Killed before the word was written, nobody said it.
    if (!(await isOver()) && (await people.last('contract-asked'))?.change !== change)
      await people.contract(change);
    const gone = await project.eventually(done);
    assert.ok(gone, `${change} is contracted after ${point}: ${gone ? '' : await people.tail()}`);
    assert.equal(await people.phaseOf(change), 'finished');
  };
  const ends = await killed.writesOf(() => contract(''), /contract-done/);
  assert.ok(ends.length >= 3, `a contract makes writes, found ${ends.join()}`);
  for (const point of ends) for (const moment of ['before', 'after']) await contract(`${moment}:${point}`);

  const writes = points.length + ends.length;
  t.diagnostic(
    `${points.length} writes of a release and ${ends.length} of a contract, ${killed.crashes} crashes`,
  );
  // The order of the writes is not quite the same each time, so the last points may be past the end.
  assert.ok(killed.crashes > writes * 1.6, `${killed.crashes} crashes at ${writes} writes`);
  await assertClean(load);
  assert.equal(await people.lost('old'), 0);
});

test('killed at any write around the way back from a contract, control ends where the database is', async (t) => {
  const killed = await Killed.serving(t);
  const { people } = killed;
  const { project } = people;
  const change = '0001-split-name';
  await people.change(change, SPLIT.replace('keep: 0', 'keep: 1d'));
  const load = plainLoad(t, project.port, [
    { kind: 'keep-alive', method: 'POST', path: '/', body: 'x', count: 1, thinkMs: 20 },
    { kind: 'keep-alive', method: 'GET', path: '/', count: 1, thinkMs: 20 },
  ]);
  const forward = async () => {
    assertEnded(await project.deploy('v2'), 'done');
    await people.contract(change);
    assert.equal(await people.phaseOf(change), 'contracted');
  };
  const back = async (point: string) => {
    const body = { to: null, by: 'test', reason: '' };
    const begin = () => project.api('POST', '/v1/services/web/rollback', body);
    const isOver = async () =>
      (await project.web()).stable === 'v1' && (await project.web()).release === null;
    await killed.crashing(point, begin, isOver);
    // Killed before the release was written, there is none.
    const { release: active, stable } = await project.web();
    if (active === null && stable !== 'v1') await begin();
    const serves = await project.eventually(isOver);
    assert.ok(serves, `v1 serves after ${point}: ${serves ? '' : await people.tail()}`);
    assert.equal(await people.phaseOf(change), 'ready', point);
    const { reach, halfway } = (await project.status()).database?.changes[0] ?? {};
    assert.deepEqual([reach, halfway], ['filled', null], point);
    assert.deepEqual([await people.lost('old'), await people.lost('new')], [0, 0], point);
  };
  // Up to the start of the old version: all that comes then is as in any release.
  await forward();
  const points = await killed.writesOf(() => back(''), /step-started/, 2);
  assert.ok(points.length >= 4, `the way back makes writes, found ${points.join()}`);
  for (const point of points)
    for (const moment of ['before', 'after']) {
      await forward();
      await back(`${moment}:${point}`);
    }
  t.diagnostic(`${points.length} writes of a way back, ${killed.crashes} crashes`);
  assert.ok(killed.crashes > points.length * 1.6, `${killed.crashes} crashes`);
  await assertClean(load);
});

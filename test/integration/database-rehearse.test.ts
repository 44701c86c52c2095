/**
 * Bugs hunted: a rehearsal that touches the database it is for, that says a change is fit which loses data, blocks
 * or breaks a program, that counts wrongly what is lost, and one that leaves its copy behind.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Rehearsal } from '../../src/core/database/rehearsal/report.ts';
import { cli } from '../support/cli.ts';
import { changeYaml, PEOPLE, RENAME, rehearsalServer, type RehearsalServer } from '../support/rehearsal.ts';

let server: RehearsalServer;
before(async () => {
  server = await rehearsalServer();
});
after(() => server.end());

const place: RehearsalServer['place'] = (setup, files) => server.place(setup, files);
const onceOn: RehearsalServer['onceOn'] = (database, sql) => server.onceOn(database, sql);

const NICKNAME = '{ addColumn: { table: people, column: nickname, type: text } }';

const lost = ({ back }: Rehearsal) =>
  Object.fromEntries(
    back.lost.map(({ table, column, count }) => [column === null ? table : `${table}.${column}`, count]),
  );

test('a change that does what it should is fit, and the database does not know of it', async () => {
  const { name, json, run } = await place(PEOPLE, { '0001-rename/change.yaml': RENAME });
  const state = `SELECT (SELECT md5(string_agg(p::text, ',' ORDER BY id)) FROM people p) AS rows, (SELECT string_agg(column_name, ',' ORDER BY ordinal_position) FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema')) AS columns, (SELECT last_value FROM people_id_seq) AS last`;
  const was = await onceOn(name, state);
  const found = await json();
  assert.deepEqual(found.verdict, { fit: true, exitCode: 0, reasons: [] }, JSON.stringify(found, null, 1));
  assert.equal(found.exitCode, 0);
  const stages = found.stages.map(({ stage, statements }) => [stage, statements > 0]);
  assert.deepEqual(
    stages.map(([stage]) => stage),
    ['before', 'expand', 'backfill', 'both', 'revert', 'again', 'contract', 'after'],
  );
  assert.ok(stages.filter(([, some]) => some).length > 4, JSON.stringify(stages));
  assert.ok(found.crossed.checked >= 20, `${found.crossed.checked} values`);
  const writes = found.statements.filter(({ sql, runs }) => /^(?:INSERT|UPDATE)/.test(sql) && runs > 0);
  assert.deepEqual([...new Set(writes.map(({ side }) => side))].toSorted(), ['new', 'old']);
  assert.ok(writes.some(({ side, sql }) => side === 'new' && sql.includes('SET "full"')));
  assert.ok(
    !writes.some(({ side, sql }) => side === 'new' && sql.includes('"name"')),
    'the new version knows no name',
  );
  assert.ok(
    found.backfills.some(
      ({ table, rows, realRows }) => table === 'people' && rows >= 500 && realRows === 500,
    ),
  );
  assert.deepEqual(await onceOn(name, state), was);
  assert.deepEqual(await server.copies(), []);

  const shown = await run('--no-contract');
  assert.match(shown.out, /STAGE +TOOK[\s\S]*both[\s\S]*would be lost on the way back: nothing\nfit: /);
  assert.doesNotMatch(shown.out, /^contract /m);
});

test('what would be lost is counted, by table and column, to the last value', async () => {
  const setup = `${PEOPLE}; CREATE TABLE items (id int PRIMARY KEY, cents int NOT NULL); INSERT INTO items SELECT i, i FROM generate_series(1, 100) AS i`;
  const { json, run } = await place(setup, {
    '0001-more/change.yaml': changeYaml(
      `${NICKNAME},
  { changeType: { table: items, column: cents, type: "numeric(12,4)", to: price, up: cents / 100.0, down: "(price * 100)::int" } },
  { createTable: { table: log, columns: { id: { type: int, notNull: true } }, primaryKey: [id] } }`,
      `rehearse:
  old: [SELECT name FROM people WHERE id = 1]
  new:
    - UPDATE people SET nickname = 'n' || id WHERE id BETWEEN 21 AND 27
    - UPDATE items SET price = 1.2345 WHERE id BETWEEN 21 AND 25
    - UPDATE items SET price = 3.25 WHERE id = 40
    - INSERT INTO log (id) SELECT generate_series(1, 3) ON CONFLICT DO NOTHING
`,
    ),
  });
  const found = await json();
  // The cross-check writes the first rows only.
  const reserved = found.back.lost.find(({ column }) => column === 'price');
  assert.deepEqual({ ...lost(found), 'items.price': 5 }, { 'people.nickname': 7, 'items.price': 5, log: 3 });
  assert.ok(reserved && reserved.count >= 5 && reserved.count <= 15, JSON.stringify(reserved));
  assert.equal(found.back.rows, 3);
  assert.deepEqual([found.exitCode, found.verdict.reasons.map(({ kind }) => kind)], [4, ['lost']]);
  assert.match(found.back.refused ?? '', /people\.nickname/);
  const shown = await run();
  assert.match(shown.out, /would be lost on the way back: .*7 values of people\.nickname.*3 rows of log/);
  assert.match(shown.out, /to be decided:\n {2}3 rows and \d+ values would be lost on the way back\n$/);
});

test('a statement that stands behind the change is shown with its lock, for how long and behind what', async () => {
  const { json } = await place(PEOPLE, {
    '0001-lock/expand.sql': `DO $$ BEGIN LOCK TABLE people; PERFORM pg_sleep(1.5); END $$;`,
    '0001-lock/revert.sql': 'SELECT 1;',
  });
  const found = await json();
  const expand = found.stages.find(({ stage }) => stage === 'expand');
  const [longest] = expand?.waits ?? [];
  assert.ok(longest && longest.longestMs > 1_000, JSON.stringify(expand));
  assert.deepEqual([longest.on, longest.byChange, longest.side], ['people', true, 'old']);
  assert.match(longest.mode, /^(?:AccessShare|RowExclusive|RowShare)Lock$/);
  assert.match(longest.behind, /LOCK TABLE people/);
  assert.ok(expand && expand.longestMs >= 1_000);
  assert.equal(found.exitCode, 2);
  assert.ok(
    found.verdict.reasons.some(({ kind, text }) => kind === 'waited' && text.startsWith('in expand')),
  );
  assert.equal(found.broken, null);
});

test('a statement of the new version that fails is named, with why; one that never worked is left out', async () => {
  const { json } = await place(PEOPLE, {
    '0001-rename/change.yaml': RENAME,
    '0001-rename/old.sql': 'SELECT name FROM people WHERE id = $1;\nSELECT nowhere FROM people;',
    '0001-rename/new.sql': `SELECT "full" FROM people WHERE "full" = $1 LIMIT $2;\nSELECT fulll FROM people WHERE id = $1;\nUPDATE people SET age = $1 WHERE id = ANY($2);`,
  });
  const found = await json();
  const of = (part: string) => found.statements.find(({ sql }) => sql.includes(part));
  assert.ok((of('fulll')?.failed ?? 0) > 0);
  assert.equal(of('fulll')?.failures[0]?.code, '42703');
  assert.match(of('nowhere')?.unfit ?? '', /without the change, too/);
  for (const part of ['SELECT name', 'LIMIT $2', 'ANY($2)'])
    assert.deepEqual([part, of(part)?.failed, (of(part)?.runs ?? 0) > 0], [part, 0, true]);
  assert.deepEqual(
    found.verdict.reasons.map(({ kind }) => kind),
    ['statements-failed'],
  );
  assert.equal(found.exitCode, 2);
});

test('an expression that does not give back what was written is found by reading it with the other version', async () => {
  const { json } = await place(PEOPLE, {
    '0001-trigger/change.yaml': RENAME,
    '0002-spoil/expand.sql': `CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := NEW.name || '!'; RETURN NEW; END $$;
CREATE TRIGGER zzz_spoil BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION spoil();`,
    '0002-spoil/revert.sql': 'DROP TRIGGER zzz_spoil ON people; DROP FUNCTION spoil();',
  });
  const found = await json();
  const [apart] = found.crossed.apart;
  assert.ok(apart, JSON.stringify(found.verdict));
  assert.equal(apart.table, 'people');
  assert.notEqual(apart.read, apart.expected);
  assert.ok(found.verdict.reasons.some(({ kind }) => kind === 'read-apart'));
});

test('rows that live in two tables are read there by the other version, as they must be', async () => {
  const setup = `${PEOPLE}; ALTER TABLE people ADD COLUMN city text; UPDATE people SET city = 'c' || id; CREATE TABLE cities (person int PRIMARY KEY, city text);
    CREATE TABLE notes (id int PRIMARY KEY, said text); INSERT INTO notes SELECT i, 'n' || i FROM generate_series(1, 50) AS i;
    CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.city := NEW.city || '!'; RETURN NEW; END $$;
    CREATE TRIGGER zzz_spoil BEFORE UPDATE ON cities FOR EACH ROW EXECUTE FUNCTION spoil()`;
  const { json } = await place(setup, {
    '0001-move/change.yaml': changeYaml(`{ renameTable: { table: notes, to: remarks } },
  { moveRows: { table: people, to: cities, columns: { person: id, city: city }, down: { id: person, city: city } } }`),
  });
  const found = await json('--no-contract');
  // Both ways for both operations; the trigger of the application spoils what comes to cities.
  assert.ok(found.crossed.checked >= 60, `${found.crossed.checked} values`);
  assert.deepEqual(
    found.crossed.apart.map(({ writer, table }) => `${writer} ${table}`),
    ['old people'],
    JSON.stringify(found.crossed),
  );
});

test('a change that the database refuses is a finding; SQL without a way back is one, too', async () => {
  const { json } = await place(PEOPLE, {
    '0001-bad/expand.sql': 'ALTER TABLE people ADD COLUMN x int;\nALTER TABLE nowhere ADD COLUMN y int;',
    '0001-bad/revert.sql': 'ALTER TABLE people DROP COLUMN x;',
  });
  const found = await json();
  assert.equal(found.broken?.stage, 'expand');
  assert.match(found.broken?.detail ?? '', /nowhere/);
  assert.deepEqual([found.exitCode, found.back.state], [2, 'not-reached']);

  const other = await place(PEOPLE, { '0001-one-way/expand.sql': 'ALTER TABLE people ADD COLUMN x int;' });
  const oneWay = await other.json();
  assert.deepEqual([oneWay.exitCode, oneWay.back.state], [4, 'none']);
  assert.deepEqual(
    oneWay.verdict.reasons.map(({ kind }) => kind),
    ['no-way-back'],
  );
});

test('one change of several: those before it are made first, and its old version is the one after them', async () => {
  const { json, run } = await place(PEOPLE, {
    '0001-rename/change.yaml': RENAME,
    '0002-split/change.yaml': changeYaml(
      `{ splitColumn: { table: people, column: full, into: { first: { type: text, up: "split_part(\\"full\\", ' ', 1)" }, last: { type: text, up: "split_part(\\"full\\", ' ', 2)" } }, down: "first || ' ' || last" } }`,
    ),
  });
  const found = await json('0002');
  assert.deepEqual(found.changes, ['0002-split']);
  assert.ok(
    found.notes.some((note) => note.includes('0001-rename')),
    JSON.stringify(found.notes),
  );
  const old = found.statements
    .filter(({ side }) => side === 'old')
    .map(({ sql }) => sql)
    .join('\n');
  assert.match(old, /"full"/);
  assert.doesNotMatch(old, /"name"|"first"/);
  assert.equal(found.exitCode, 0, JSON.stringify(found.verdict));
  const both = await json();
  assert.deepEqual(both.changes, ['0001-rename', '0002-split']);
  assert.equal(both.exitCode, 0, JSON.stringify(both.verdict));
  const unknown = await run('0009');
  assert.deepEqual([unknown.exitCode, /CHANGE_UNKNOWN/.test(unknown.err)], [2, true]);
});

test('a change that is half made on the database goes on from there in its copy', async () => {
  const { name, dir, env, json } = await place(PEOPLE, { '0001-rename/change.yaml': RENAME });
  for (const verb of ['adopt', 'expand']) assert.equal((await cli(dir, ['database', verb], env)).exitCode, 0);
  // What programs send may be said later: it is no edit of the change.
  await writeFile(
    path.join(dir, 'db/changes/0001-rename/new.sql'),
    'SELECT "full" FROM people WHERE id = $1',
  );
  const found = await json();
  assert.equal(found.exitCode, 0, JSON.stringify(found.verdict));
  const old = found.statements
    .filter(({ side }) => side === 'old')
    .map(({ sql }) => sql)
    .join('\n');
  assert.doesNotMatch(old, /"full"/);
  assert.deepEqual(await onceOn(name, 'SELECT phase FROM segue.changes'), [{ phase: 'expanded' }]);
});

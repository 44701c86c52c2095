/**
 * Bugs hunted: what a change writes by itself - a backfill, one side of a pair for the other - is taken for nobody's,
 * and does not reach what is kept in step beside it: other changes on the same rows, rows that triggers and foreign keys
 * of the application write meanwhile. And statements that say more than one row's values: TRUNCATE, a key that changes,
 * a value of which the other side knows only half.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { changeOf, type TestDatabase, testDatabase } from '../support/database.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';

let server: Postgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

interface Beside {
  readonly db: TestDatabase;
  /** Expands and fills the change of that place. */
  readonly make: (place: number) => Promise<void>;
  readonly expand: (place: number) => Promise<void>;
  readonly backfill: (place: number) => Promise<void>;
}

async function withChanges(
  setup: string,
  operations: readonly string[],
  work: (beside: Beside) => Promise<void>,
): Promise<void> {
  const all = operations.map((each, index) =>
    changeOf(`operations: [{ ${each} }]`, `000${index + 1}-change`),
  );
  const db = await testDatabase(server, setup);
  const expand = (place: number) => db.runner.expand(all, `000${place}-change`);
  const backfill = (place: number) => db.runner.backfill(all, `000${place}-change`);
  const make = async (place: number) => {
    await expand(place);
    await backfill(place);
  };
  try {
    await work({ db, make, expand, backfill });
  } finally {
    await db.close();
  }
}

const MOVE = `moveRows: { table: people, to: cities, columns: { person: id, city: city }, down: { id: person, city: city } }`;
const PEOPLE = `CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL DEFAULT 'no body', city text);
  INSERT INTO people SELECT n, 'name' || n, 'city' || n FROM generate_series(1, 3) AS n;
  CREATE TABLE cities (person int PRIMARY KEY, city text, note text);`;

/** A trigger of the application. */
const trigger = (when: string, body: string) =>
  `CREATE FUNCTION own() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body}; RETURN NEW; END $$;
   CREATE TRIGGER own ${when} FOR EACH ROW EXECUTE FUNCTION own();`;

test('rows that are moved reach the new columns of the table that they come to', () =>
  withChanges(
    PEOPLE,
    ['renameColumn: { table: cities, column: city, to: town }', MOVE],
    async ({ db, make }) => {
      for (const place of [1, 2]) await make(place);
      const rows = await db.sql('SELECT count(*)::int AS n FROM cities WHERE city = town');
      assert.deepEqual(rows, [{ n: 3 }]);
    },
  ));

test('columns that wait on top of each other may be filled in any order', () =>
  withChanges(
    'CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 7), (2, NULL)',
    [
      'renameColumn: { table: t, column: a, to: b }',
      'renameColumn: { table: t, column: b, to: c }',
      'setNotNull: { table: t, column: a, up: "0" }',
    ],
    async ({ db, make, expand, backfill }) => {
      for (const place of [1, 2]) await expand(place);
      for (const place of [2, 1]) await backfill(place);
      await make(3);
      assert.deepEqual(await db.sql('SELECT * FROM t ORDER BY id'), [
        { id: 1, a: 7, b: 7, c: 7 },
        { id: 2, a: 0, b: 0, c: 0 },
      ]);
    },
  ));

test('a table that is renamed twice: what any of the three versions writes reaches the others', () =>
  withChanges(
    `CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'x'), (2, 'y')`,
    ['renameTable: { table: a, to: b }', 'renameTable: { table: b, to: c }'],
    async ({ db, make }) => {
      for (const place of [1, 2]) await make(place);
      for (const [statement, id, v] of [
        [`UPDATE a SET v = 'a' WHERE id = 1`, 1, 'a'],
        [`UPDATE c SET v = 'c' WHERE id = 1`, 1, 'c'],
        [`INSERT INTO a VALUES (3, 'made')`, 3, 'made'],
        [`INSERT INTO c VALUES (4, 'made')`, 4, 'made'],
        ['DELETE FROM a WHERE id = 2', 2, null],
        ['DELETE FROM c WHERE id = 3', 3, null],
      ] as const) {
        await db.sql(statement);
        for (const table of ['a', 'b', 'c']) {
          const rows = await db.sql(`SELECT v FROM ${table} WHERE id = ${id}`);
          assert.deepEqual(rows, v === null ? [] : [{ v }], `${statement}: ${table}`);
        }
      }
    },
  ));

test('what a trigger of the application writes during a backfill is passed on', () =>
  withChanges(
    `CREATE TABLE counts (id int PRIMARY KEY, n int); INSERT INTO counts VALUES (1, 0);
     CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 1), (2, 2);
     ${trigger('AFTER UPDATE ON t', 'UPDATE counts SET n = n + 1')}`,
    ['renameColumn: { table: counts, column: n, to: m }', 'renameColumn: { table: t, column: a, to: b }'],
    async ({ db, make }) => {
      for (const place of [1, 2]) await make(place);
      assert.deepEqual(await db.sql('SELECT n, m FROM counts'), [{ n: 2, m: 2 }]);
    },
  ));

test('a column that a trigger of the application sets with each update is filled with what it sets', () =>
  withChanges(
    `CREATE TABLE t (id int PRIMARY KEY, a int, version int); INSERT INTO t VALUES (1, 1, 0);
     ${trigger('BEFORE UPDATE ON t', 'NEW.version = OLD.version + 1')}`,
    [
      'renameColumn: { table: t, column: version, to: revision }',
      'renameColumn: { table: t, column: a, to: b }',
    ],
    async ({ db, make }) => {
      await make(1);
      assert.deepEqual(await db.sql('SELECT version, revision FROM t'), [{ version: 1, revision: 1 }]);
      await make(2);
      assert.deepEqual(await db.sql('SELECT version, revision FROM t'), [{ version: 2, revision: 2 }]);
    },
  ));

test('a backfill in SQL of your own is passed on like any other statement', async () => {
  const rename = changeOf('operations: [{ renameColumn: { table: t, column: a, to: b } }]', '0001-rename');
  const files = { expand: [], backfill: ['UPDATE t SET a = 0 WHERE a IS NULL'], contract: [], revert: [] };
  const sql = { name: '0002-sql', digest: '2', keepMs: 0, body: { form: 'sql', files } } as const;
  const db = await testDatabase(
    server,
    'CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1)',
  );
  try {
    for (const { name } of [rename, sql]) {
      await db.runner.expand([rename, sql], name);
      await db.runner.backfill([rename, sql], name);
    }
    assert.deepEqual(await db.sql('SELECT a, b FROM t'), [{ a: 0, b: 0 }]);
  } finally {
    await db.close();
  }
});

test('what a trigger of the application makes of a row that is passed on comes back', () =>
  withChanges(
    `CREATE TABLE a (id int PRIMARY KEY, n int); INSERT INTO a VALUES (1, 0)`,
    ['renameTable: { table: a, to: b }'],
    async ({ db, make }) => {
      await make(1);
      await db.sql(trigger('AFTER INSERT ON b', 'UPDATE b SET n = n + 1 WHERE id = 1'));
      await db.sql('INSERT INTO a VALUES (2, 0)');
      assert.deepEqual(await db.sql('SELECT a.n AS old, b.n AS new FROM a JOIN b USING (id) ORDER BY id'), [
        { old: 1, new: 1 },
        { old: 0, new: 0 },
      ]);
    },
  ));

test('rows that a foreign key takes along in one table go in the other', () =>
  withChanges(
    `CREATE TABLE places (id int PRIMARY KEY, upper int); INSERT INTO places VALUES (1, NULL), (2, 1), (3, 2);
     CREATE TABLE sites (id int PRIMARY KEY, upper int REFERENCES sites ON DELETE CASCADE)`,
    [
      'moveRows: { table: places, to: sites, columns: { id: id, upper: upper }, down: { id: id, upper: upper } }',
    ],
    async ({ db, make }) => {
      await make(1);
      await db.sql('DELETE FROM places WHERE id = 1');
      for (const table of ['places', 'sites'])
        assert.deepEqual(await db.sql(`SELECT id FROM ${table}`), [], table);
    },
  ));

test('what truncates one table deletes from the other what was in it, and nothing else', () =>
  withChanges(PEOPLE, [MOVE], async ({ db, make }) => {
    await make(1);
    const holder = await db.connect();
    await holder.query('BEGIN; SELECT FROM people WHERE id = 1 FOR UPDATE');
    await db.sql(`UPDATE cities SET city = 'pending' WHERE person = 1`);
    await holder.query('ROLLBACK');
    await db.sql('TRUNCATE people');
    assert.deepEqual(await db.sql('SELECT person FROM cities'), []);
    await db.sql(`SET session_replication_role = replica; INSERT INTO people VALUES (8, 'alone', 'c')`);
    await db.sql(
      `RESET session_replication_role; INSERT INTO people VALUES (9, 'both', 'c'); TRUNCATE cities`,
    );
    assert.deepEqual(await db.sql('SELECT id FROM people'), [{ id: 8 }]);
    await db.sql('TRUNCATE people, cities');
  }));

test('a key that changes keeps what only one of the two tables knows of its row, and what points at it', () =>
  withChanges(
    `${PEOPLE} CREATE TABLE letters (person int REFERENCES people ON UPDATE CASCADE); INSERT INTO letters VALUES (2);
     CREATE TABLE maps (person int REFERENCES cities ON UPDATE CASCADE)`,
    [MOVE],
    async ({ db, make }) => {
      await make(1);
      await db.sql(`UPDATE cities SET note = 'note' || person; INSERT INTO maps VALUES (1)`);
      await db.sql('UPDATE people SET id = id + 10 WHERE id = 1');
      await db.sql(`UPDATE cities SET person = person + 10, city = 'new' WHERE person = 2`);
      assert.deepEqual(
        await db.sql(
          'SELECT id, name, people.city AS old, cities.city AS new, note FROM people FULL JOIN cities ON person = id ORDER BY id',
        ),
        [
          { id: 3, name: 'name3', old: 'city3', new: 'city3', note: 'note3' },
          { id: 11, name: 'name1', old: 'city1', new: 'city1', note: 'note1' },
          { id: 12, name: 'name2', old: 'new', new: 'new', note: 'note2' },
        ],
      );
      const pointing = await db.sql(
        'SELECT (SELECT person FROM letters) AS letter, (SELECT person FROM maps) AS map',
      );
      assert.deepEqual(pointing, [{ letter: 12, map: 11 }]);
    },
  ));

test('a key that the new version changes while somebody holds the row: refused, not halved', () =>
  withChanges(PEOPLE, [MOVE], async ({ db, make }) => {
    await make(1);
    const holder = await db.connect();
    await holder.query('BEGIN; SELECT FROM people WHERE id = 1 FOR UPDATE');
    const change = 'UPDATE cities SET person = 10 WHERE person = 1';
    await assert.rejects(db.sql(change), { code: '55P03', message: /people whose key changes/ });
    await holder.query('ROLLBACK');
    await db.sql(change);
    assert.deepEqual(await db.sql('SELECT name FROM people WHERE id = 10'), [{ name: 'name1' }]);
  }));

test('a key that the old version changes where the new one deleted the row: it is gone', () =>
  withChanges(PEOPLE, [MOVE], async ({ db, make }) => {
    await make(1);
    const holder = await db.connect();
    await holder.query('BEGIN; SELECT FROM people WHERE id = 1 FOR UPDATE');
    await db.sql('DELETE FROM cities WHERE person = 1');
    await holder.query('UPDATE people SET id = 10 WHERE id = 1; COMMIT');
    const left =
      'SELECT id FROM people WHERE id IN (1, 10) UNION ALL SELECT person FROM cities WHERE person IN (1, 10)';
    assert.deepEqual(await db.sql(left), []);
  }));

test('what the new version says more of than the old one knows outlives the backfill and writes of the old one', () =>
  withChanges(
    `CREATE TABLE visits (id int PRIMARY KEY, day date, place text); INSERT INTO visits VALUES (1, '2026-01-01', 'a'), (2, '2026-01-01', 'b');
     CREATE TABLE stays (id int PRIMARY KEY, began text, place text)`,
    [
      `moveRows: { table: visits, to: stays, columns: { id: id, began: day::text, place: place }, down: { id: id, day: "left(began, 10)::date", place: place } }`,
    ],
    async ({ db, expand, backfill }) => {
      await expand(1);
      await db.sql(`INSERT INTO stays VALUES (1, '2026-02-02 12:34', 'c')`);
      await backfill(1);
      await db.sql(`UPDATE visits SET place = upper(place)`);
      assert.deepEqual(
        await db.sql('SELECT began, stays.place, day::text FROM stays JOIN visits USING (id) ORDER BY id'),
        [
          { began: '2026-02-02 12:34', place: 'C', day: '2026-02-02' },
          { began: '2026-01-01', place: 'B', day: '2026-01-01' },
        ],
      );
    },
  ));

test('what the old version says more of than the new one knows outlives writes of the new one', () =>
  withChanges(
    `CREATE TABLE scores (id int PRIMARY KEY, exact numeric, place text); INSERT INTO scores VALUES (1, 1.26, 'a'), (2, 2.26, 'b');
     CREATE TABLE marks (id int PRIMARY KEY, mark int, place text); INSERT INTO marks VALUES (2, 9, 'stale')`,
    [
      'moveRows: { table: scores, to: marks, columns: { id: id, mark: exact, place: place }, down: { id: id, exact: mark, place: place } }',
    ],
    async ({ db, expand, backfill }) => {
      await expand(1);
      await db.sql(`UPDATE marks SET place = 'early' WHERE id = 2`);
      await backfill(1);
      await db.sql(`UPDATE marks SET id = 11, place = 'new' WHERE id = 1`);
      assert.deepEqual(
        await db.sql(
          'SELECT id, exact, mark, scores.place AS old, marks.place AS new FROM scores JOIN marks USING (id) ORDER BY id',
        ),
        [
          { id: 2, exact: '2.26', mark: 2, old: 'early', new: 'early' },
          { id: 11, exact: '1.26', mark: 1, old: 'new', new: 'new' },
        ],
      );
      await db.sql('UPDATE marks SET mark = 3 WHERE id = 11');
      assert.deepEqual(await db.sql('SELECT exact FROM scores WHERE id = 11'), [{ exact: '3' }]);
    },
  ));

test('COPY and MERGE are passed on, and so are inserts that become updates', () =>
  withChanges(PEOPLE, [MOVE], async ({ db, make }) => {
    await make(1);
    await db.sql(
      `INSERT INTO people (id, city) VALUES (2, 'u'), (10, 'v') ON CONFLICT (id) DO UPDATE SET city = EXCLUDED.city`,
    );
    await db.sql(
      `INSERT INTO cities (person, city) VALUES (3, 'w'), (11, 'x') ON CONFLICT (person) DO UPDATE SET city = EXCLUDED.city`,
    );
    await db.sql(`COPY people (id, city) FROM PROGRAM 'printf "12\\ty\\n13\\tz\\n"'`);
    if (server.version >= 15)
      await db.sql(`MERGE INTO cities USING (VALUES (1, 'm'), (14, 'n'), (2, NULL)) AS v (p, c) ON person = p
        WHEN MATCHED AND c IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET city = c WHEN NOT MATCHED THEN INSERT (person, city) VALUES (p, c)`);
    const [apart] = await db.sql(
      'SELECT count(*)::int AS n FROM people FULL JOIN cities ON person = id WHERE people.city IS DISTINCT FROM cities.city',
    );
    assert.deepEqual(apart, { n: 0 });
  }));

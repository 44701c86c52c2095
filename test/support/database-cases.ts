/**
 * Every operation as old and new programs meet it: what each of them writes, and what must be equal when both
 * have. Shared by the tests and the benchmark.
 */
export interface OperationCase {
  readonly name: string;
  /** Makes the tables; `$rows` is how many rows. */
  readonly setup: string;
  readonly change: string;
  readonly old: readonly string[];
  readonly new: readonly string[];
  /** Counts rows in which the two sides do not say the same. */
  readonly apart?: string;
  /** What an old program sees, as one value; ends with its table, so that a WHERE over `id` may follow. */
  readonly oldSum: string;
  readonly newSum: string;
  /** What `id` is called there; default: the same. */
  readonly newKey?: string;
}

/** Chosen once for a statement: a volatile expression would read the whole table. */
const ANY = '(SELECT (1 + floor(random() * $rows))::int)';
const sum = (columns: string, table: string, key = 'id') =>
  `SELECT count(*) || ' ' || coalesce(md5(string_agg(md5(concat_ws('|', ${columns})), '' ORDER BY ${key})), '') AS sum FROM ${table}`;

const PEOPLE = `CREATE TABLE people (id bigserial PRIMARY KEY, name text NOT NULL DEFAULT 'no body', age int, score numeric(8,2), note text);
  INSERT INTO people (name, age, score) SELECT 'first' || i || ' last' || i, i % 90, i % 100 FROM generate_series(1, $rows) AS i`;

export const OPERATION_CASES: readonly OperationCase[] = [
  {
    name: 'add a column that is worked out',
    setup: PEOPLE,
    change: `keep: 0\noperations: [{ addColumn: { table: people, column: initial, type: text, notNull: true, up: "left(name, 1)", from: [name] } }]`,
    old: [
      `UPDATE people SET name = 'q' || name WHERE id = ${ANY}`,
      `INSERT INTO people (name) VALUES ('old one')`,
    ],
    new: [
      `UPDATE people SET initial = 'z' WHERE id = ${ANY}`,
      `INSERT INTO people (name, initial) VALUES ('new', 'y')`,
    ],
    apart: 'SELECT count(*)::int AS apart FROM people WHERE initial IS NULL',
    oldSum: sum('id, name, age', 'people'),
    newSum: sum('id, initial', 'people'),
  },
  {
    name: 'rename a column that has a default, an index and a check',
    setup: `${PEOPLE}; CREATE INDEX people_name ON people (name); ALTER TABLE people ADD CONSTRAINT named CHECK (name <> '')`,
    change: 'keep: 0\noperations: [{ renameColumn: { table: people, column: name, to: "Full Name" } }]',
    old: [
      `UPDATE people SET name = 'old ' || (random() * 1000)::int WHERE id = ${ANY}`,
      'INSERT INTO people (age) VALUES (1)',
      `INSERT INTO people (name) VALUES ('given')`,
      `DELETE FROM people WHERE id = ${ANY} AND id > $rows / 2`,
    ],
    new: [
      `UPDATE people SET "Full Name" = 'new ' || (random() * 1000)::int WHERE id = ${ANY}`,
      `INSERT INTO people ("Full Name") VALUES ('new given')`,
      'INSERT INTO people (age) VALUES (2)',
    ],
    apart: 'SELECT count(*)::int AS apart FROM people WHERE name IS DISTINCT FROM "Full Name"',
    oldSum: sum('id, name, age', 'people'),
    newSum: sum('id, "Full Name", age', 'people'),
  },
  {
    name: 'change a type, of a primary key too',
    setup: `CREATE TABLE items (id serial PRIMARY KEY, cents int, label text UNIQUE); INSERT INTO items (cents, label) SELECT i, 'l' || i FROM generate_series(1, $rows) AS i`,
    change: `keep: 0\noperations:
      - changeType: { table: items, column: id, type: bigint, to: item_id }
      - changeType: { table: items, column: cents, type: "numeric(12,2)", to: price, up: cents / 100.0, down: "(price * 100)::int" }`,
    old: [
      `UPDATE items SET cents = (random() * 10000)::int WHERE id = ${ANY}`,
      'INSERT INTO items (cents) VALUES (5)',
    ],
    new: [
      `UPDATE items SET price = (random() * 100)::numeric(12,2) WHERE item_id = ${ANY}`,
      'INSERT INTO items (price) VALUES (7.5)',
    ],
    apart:
      'SELECT count(*)::int AS apart FROM items WHERE item_id IS DISTINCT FROM id OR price IS DISTINCT FROM cents / 100.0',
    oldSum: sum('id, cents', 'items'),
    newSum: sum('item_id, price', 'items', 'item_id'),
    newKey: 'item_id',
  },
  {
    name: 'drop a column that the new version does not know',
    setup: PEOPLE.replace('note text', `note text NOT NULL DEFAULT 'x'`).replace(
      `note text NOT NULL DEFAULT 'x'`,
      'note text',
    ),
    change: `keep: 0\noperations: [{ dropColumn: { table: people, column: name, down: "'gone'" } }, { dropColumn: { table: people, column: age } }]`,
    old: [
      `UPDATE people SET name = 'old', age = 5 WHERE id = ${ANY}`,
      `INSERT INTO people (name) VALUES ('o')`,
    ],
    new: [`UPDATE people SET score = 3 WHERE id = ${ANY}`, 'INSERT INTO people (score) VALUES (1)'],
    apart: 'SELECT count(*)::int AS apart FROM people WHERE name IS NULL',
    oldSum: sum('id, name, age', 'people'),
    newSum: sum('id, score', 'people'),
  },
  {
    name: 'split a column',
    setup: PEOPLE,
    change: `keep: 0\noperations: [{ splitColumn: { table: people, column: name, into: { first: { type: text, up: "split_part(name, ' ', 1)" }, last: { type: text, up: "substr(name, length(split_part(name, ' ', 1)) + 2)" } }, down: "first || ' ' || last" } }]`,
    old: [
      `UPDATE people SET name = 'Ann ' || (random() * 1000)::int WHERE id = ${ANY}`,
      `INSERT INTO people (name) VALUES ('Bob Old')`,
    ],
    new: [
      `UPDATE people SET first = 'F' || (random() * 1000)::int WHERE id = ${ANY}`,
      `INSERT INTO people (first, last) VALUES ('Cy', 'New')`,
    ],
    apart: `SELECT count(*)::int AS apart FROM people WHERE name IS DISTINCT FROM first || ' ' || last`,
    oldSum: sum('id, name', 'people'),
    newSum: sum('id, first, last', 'people'),
  },
  {
    name: 'merge columns',
    setup: `CREATE TABLE places (id serial PRIMARY KEY, lat float8, lon float8); INSERT INTO places (lat, lon) SELECT i, -i FROM generate_series(1, $rows) AS i`,
    change: `keep: 0\noperations: [{ mergeColumns: { table: places, columns: { lat: "at[0]", lon: "at[1]" }, into: at, type: point, up: "point(lat, lon)" } }]`,
    old: [
      `UPDATE places SET lat = (random() * 90)::int WHERE id = ${ANY}`,
      'INSERT INTO places (lat, lon) VALUES (1, 2)',
    ],
    new: [
      `UPDATE places SET at = point((random() * 90)::int, 3) WHERE id = ${ANY}`,
      `INSERT INTO places (at) VALUES ('(5,6)')`,
    ],
    apart: 'SELECT count(*)::int AS apart FROM places WHERE at IS NULL OR at[0] <> lat OR at[1] <> lon',
    oldSum: sum('id, lat, lon', 'places'),
    newSum: sum('id, at::text', 'places'),
  },
  {
    name: 'set and drop NOT NULL, and defaults',
    setup: `${PEOPLE}; ALTER TABLE people ALTER COLUMN score SET DEFAULT 9, ALTER COLUMN note SET DEFAULT 'n'; UPDATE people SET note = 'x'`,
    change: `keep: 0\noperations:
      - setNotNull: { table: people, column: age, up: "0" }
      - dropNotNull: { table: people, column: name, down: "'nobody'" }
      - setDefault: { table: people, column: score, default: 10 }
      - dropDefault: { table: people, column: note }`,
    old: [`UPDATE people SET age = NULL WHERE id = ${ANY}`, 'INSERT INTO people (age) VALUES (NULL)'],
    new: [
      `UPDATE people SET name = NULL WHERE id = ${ANY}`,
      `INSERT INTO people (name, age, note) VALUES (NULL, 1, 'g')`,
    ],
    apart: 'SELECT count(*)::int AS apart FROM people WHERE age IS NULL',
    oldSum: sum(`id, coalesce(name, 'nobody'), age`, 'people'),
    newSum: sum('id, name, age', 'people'),
  },
  {
    name: 'add unique, check and foreign-key constraints, and an index',
    setup: `${PEOPLE}; CREATE TABLE teams (id int PRIMARY KEY); INSERT INTO teams SELECT generate_series(0, 99);`,
    change: `keep: 0\noperations:
      - addUnique: { table: people, columns: [id, name], name: people_once }
      - addCheck: { table: people, check: age >= 0, name: people_born }
      - addForeignKey: { table: people, columns: [age], references: { table: teams, columns: [id] }, onDelete: restrict, enforce: expand }
      - createIndex: { table: people, on: [name, "(lower(note))"], where: age > 1, include: [score] }`,
    old: [
      `UPDATE people SET age = (random() * 90)::int WHERE id = ${ANY}`,
      `INSERT INTO people (name, age) VALUES ('o', 3)`,
    ],
    new: [
      `UPDATE people SET name = 'n' || id WHERE id = ${ANY}`,
      `INSERT INTO people (name, age) VALUES ('n', 4)`,
    ],
    oldSum: sum('id, name, age', 'people'),
    newSum: sum('id, name, age', 'people'),
  },
  {
    name: 'drop a constraint and an index',
    setup: `${PEOPLE}; CREATE INDEX people_age ON people (age); ALTER TABLE people ADD CONSTRAINT young CHECK (age < 200) NOT VALID, ADD CONSTRAINT people_pair UNIQUE (id, age)`,
    change: `keep: 0\noperations:
      - dropConstraint: { table: people, name: young }
      - dropConstraint: { table: people, name: people_pair }
      - dropIndex: { table: people, name: people_age }`,
    old: [`UPDATE people SET age = (random() * 90)::int WHERE id = ${ANY}`],
    new: [`UPDATE people SET score = 5 WHERE id = ${ANY}`],
    oldSum: sum('id, name, age', 'people'),
    newSum: sum('id, name, age', 'people'),
  },
  {
    name: 'rename a table',
    setup: `CREATE TABLE people (id serial PRIMARY KEY, name text); INSERT INTO people (name) SELECT 'n' || i FROM generate_series(1, $rows) AS i`,
    change: 'keep: 0\noperations: [{ renameTable: { table: people, to: persons } }]',
    old: [
      `UPDATE people SET name = 'old' || (random() * 1000)::int WHERE id = ${ANY}`,
      `INSERT INTO people (name) VALUES ('o')`,
      `DELETE FROM people WHERE id = ${ANY} AND id > $rows / 2`,
    ],
    new: [
      `UPDATE persons SET name = 'new' || (random() * 1000)::int WHERE id = ${ANY}`,
      `INSERT INTO persons (name) VALUES ('n')`,
      `DELETE FROM persons WHERE id = ${ANY} AND id > $rows / 2`,
    ],
    apart:
      'SELECT count(*)::int AS apart FROM people FULL JOIN persons USING (id) WHERE people.name IS DISTINCT FROM persons.name',
    oldSum: sum('id, name', 'people'),
    newSum: sum('id, name', 'persons'),
  },
  {
    name: "move a table's rows to another",
    setup: `CREATE TABLE people (id serial PRIMARY KEY, name text, city text); INSERT INTO people (name, city) SELECT 'n' || i, 'c' || i FROM generate_series(1, $rows) AS i;
      CREATE TABLE cities (person int PRIMARY KEY, city text)`,
    change:
      'keep: 0\noperations: [{ moveRows: { table: people, to: cities, columns: { person: id, city: city }, down: { id: person, city: city } } }]',
    old: [
      `UPDATE people SET city = 'o' || (random() * 1000)::int WHERE id = ${ANY}`,
      `INSERT INTO people (name, city) VALUES ('o', 'p')`,
    ],
    new: [`UPDATE cities SET city = 'n' || (random() * 1000)::int WHERE person = ${ANY}`],
    apart:
      'SELECT count(*)::int AS apart FROM people LEFT JOIN cities ON person = id WHERE people.city IS DISTINCT FROM cities.city',
    oldSum: sum('id, name, city', 'people'),
    newSum: sum('person, city', 'cities', 'person'),
    newKey: 'person',
  },
  {
    name: 'an enum value, a table, a table dropped, and SQL of your own',
    setup: `CREATE TYPE mood AS ENUM ('sad', 'ok'); ${PEOPLE}; ALTER TABLE people ADD COLUMN mood mood; CREATE TABLE old_log (id int)`,
    change: `keep: 0\noperations:
      - addEnumValue: { enum: mood, value: "it's fine", after: sad }
      - createTable: { table: log, columns: { id: { type: bigint, notNull: true, default: 1 }, "What Happened": { type: text } }, primaryKey: [id] }
      - addColumn: { table: log, column: extra, type: text, default: "'none'" }
      - dropTable: { table: old_log }
      - sql: { up: "COMMENT ON TABLE people IS 'new'", down: "COMMENT ON TABLE people IS NULL", lock: LOCK TABLE people IN SHARE UPDATE EXCLUSIVE MODE }`,
    old: [`UPDATE people SET mood = 'ok' WHERE id = ${ANY}`],
    new: [`UPDATE people SET mood = 'it''s fine' WHERE id = ${ANY}`],
    oldSum: sum('id, name', 'people'),
    newSum: sum('id, name', 'people'),
  },
];

export const withRows = (text: string, rows: number): string => text.replaceAll('$rows', String(rows));

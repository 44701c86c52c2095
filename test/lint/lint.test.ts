/**
 * Bugs hunted: a rule that does not know the server's version, sizes that change nothing, places that are off by a
 * byte order mark or a line end, a large file that takes for ever, and migrations that do not know of each other.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { lintFiles } from '../../src/core/database/sql/lint.ts';
import { type KnownTable, Server, type ServerFacts } from '../../src/core/database/sql/server.ts';
import { openSqlParser } from '../../src/drivers/sql/libpg-query/parser.ts';
import { lintText, rulesOf } from './lint-text.ts';

const grammar = await openSqlParser();
const version = (major: number, minor: number | null = null) => ({ version: { major, minor } });

const VERSIONS: readonly (readonly [
  sql: string,
  on: readonly [number, number?],
  ...rules: readonly string[],
])[] = [
  ['ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT 0', [10], 'add-column-volatile-default'],
  ['ALTER TABLE t ADD COLUMN a int NOT NULL DEFAULT 0', [11]],
  [
    `ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c; ALTER TABLE t ALTER a SET NOT NULL`,
    [11],
    'set-not-null',
  ],
  [
    `ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c; ALTER TABLE t ALTER a SET NOT NULL`,
    [12],
  ],
  [
    `ALTER TABLE t ADD CONSTRAINT c NOT NULL a NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c; ALTER TABLE t ALTER a SET NOT NULL`,
    [18],
  ],
  ["BEGIN; ALTER TYPE e ADD VALUE 'x'; COMMIT", [11], 'enum-value-in-transaction'],
  ["BEGIN; ALTER TYPE e ADD VALUE 'x'; COMMIT", [12]],
  ['CREATE INDEX CONCURRENTLY i ON t (a)', [14, 3], 'concurrently-corrupts'],
  ['REINDEX INDEX CONCURRENTLY i', [14, 0], 'concurrently-corrupts'],
  ['DROP INDEX CONCURRENTLY i', [14, 0]],
  ['CREATE INDEX CONCURRENTLY i ON t (a)', [14, 4]],
  ['CREATE INDEX CONCURRENTLY i ON t (a)', [14]],
  ['CREATE INDEX CONCURRENTLY i ON t (a)', [13, 2]],
  ['ALTER TABLE t ADD COLUMN d int GENERATED ALWAYS AS (a * 2)', [18]],
  ['ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT ENFORCED', [18]],
];

for (const [sql, [major, minor = null], ...rules] of VERSIONS)
  test(`PostgreSQL ${major}${minor === null ? '' : `.${minor}`}: ${sql.slice(0, 90)}`, () => {
    assert.deepEqual(rulesOf(sql, version(major, minor)), rules);
  });

test('the safe form is one that the version has', () => {
  const safe = (sql: string, major: number) =>
    lintText(`SET lock_timeout = 1; ${sql}`, version(major)).at(-1)?.safe.join('\n') ?? '';
  assert.match(safe('REINDEX TABLE t', 12), /REINDEX TABLE CONCURRENTLY t/);
  assert.doesNotMatch(safe('REINDEX TABLE t', 11), /REINDEX TABLE CONCURRENTLY/);
  assert.match(safe('ALTER TABLE t DETACH PARTITION p', 14), /DETACH PARTITION p CONCURRENTLY/);
  assert.doesNotMatch(safe('ALTER TABLE t DETACH PARTITION p', 13), /CONCURRENTLY;/);
  assert.match(safe('ALTER TABLE t ALTER a SET NOT NULL', 12), /SET NOT NULL, DROP CONSTRAINT/);
  assert.doesNotMatch(safe('ALTER TABLE t ALTER a SET NOT NULL', 11), /ALTER COLUMN a SET NOT NULL/);
});

const table = (bytes: number, more: Partial<KnownTable> = {}): ServerFacts => ({
  version: { major: 16, minor: 2 },
  functions: [
    { name: 'steady', volatile: false },
    { name: 'shaky', volatile: true },
  ],
  tables: [
    {
      schema: 'public',
      name: 't',
      partitioned: false,
      bytes,
      rows: 12_000_000,
      columns: [],
      constraints: [],
      indexes: [],
      ...more,
    },
  ],
});

const GB = 1024 ** 3;

test('with sizes it says for how long, and what is small is a warning', () => {
  const [large] = lintText('CREATE INDEX i ON t (a)', { facts: table(4 * GB) });
  assert.equal(large?.severity, 'error');
  assert.match(large?.message ?? '', /nobody writes to t for about 3 min \(4.0 GB, 12 million rows\)/);
  const [small] = lintText('CREATE INDEX i ON t (a)', { facts: table(64 * 1024, { rows: 12 }) });
  assert.equal(small?.severity, 'warning');
  assert.match(small?.message ?? '', /for a moment \(64 KB, 12 rows\)/);
  // What breaks the old version does so in a small table as well.
  assert.equal(lintText('ALTER TABLE t DROP COLUMN a', { facts: table(1_000) })[0]?.severity, 'error');
});

test('what the database knows decides', () => {
  const column = (type: string, notNull = false) => ({ columns: [{ name: 'a', type, notNull }] });
  const check = (validated: boolean) => ({
    constraints: [{ name: 'c', type: 'check', validated, definition: 'CHECK ((a IS NOT NULL))' } as const],
  });
  const retype = 'ALTER TABLE t ALTER a TYPE varchar(40)';
  assert.deepEqual(rulesOf(retype, { facts: table(GB, column('character varying(20)')) }), []);
  assert.deepEqual(rulesOf(retype, { facts: table(GB, column('character varying(60)')) }), [
    'change-column-type',
  ]);
  const required = 'ALTER TABLE t ALTER a SET NOT NULL';
  assert.deepEqual(rulesOf(required, { facts: table(GB, check(true)) }), []);
  assert.deepEqual(rulesOf(required, { facts: table(GB, check(false)) }), ['set-not-null']);
  assert.deepEqual(rulesOf(required, { facts: table(GB, column('integer', true)) }), []);
  assert.deepEqual(rulesOf('ALTER TABLE t ADD COLUMN b int DEFAULT steady()', { facts: table(GB) }), []);
  assert.deepEqual(rulesOf('ALTER TABLE t ADD COLUMN b int DEFAULT shaky()', { facts: table(GB) }), [
    'add-column-volatile-default',
  ]);
  const key = 'ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u NOT VALID';
  assert.deepEqual(rulesOf(key, { facts: table(GB) }), ['foreign-key-without-index']);
  assert.deepEqual(rulesOf(key, { facts: table(GB, { indexes: [{ name: 'i', columns: ['a', 'b'] }] }) }), []);
  assert.deepEqual(rulesOf(key, { facts: table(GB, { indexes: [{ name: 'i', columns: ['b', 'a'] }] }) }), [
    'foreign-key-without-index',
  ]);
  const [partitioned] = lintText('CREATE INDEX i ON t (a)', { facts: table(GB, { partitioned: true }) });
  assert.match(partitioned?.safe.join('\n') ?? '', /ON ONLY t/);
});

test('places count characters from the beginning of the line, behind whatever stands there', () => {
  const at = (text: string) => {
    const [found] = lintText(text);
    return found && `${found.line}:${found.column}-${found.endLine}:${found.endColumn}`;
  };
  assert.equal(at('DROP TABLE a'), '1:1-1:13');
  assert.equal(at('\uFEFFDROP TABLE a'), '1:2-1:14');
  assert.equal(at('-- one\r\n\r\n  /* two */ DROP TABLE a;\r\n'), '3:13-3:25');
  assert.equal(at("SELECT 'größe 😀'; DROP TABLE a"), '1:20-1:32');
  assert.equal(at('DROP TABLE\n  a\n;'), '1:1-2:4');
  assert.equal(at('DO $$\nBEGIN\n\n  DROP TABLE a;\nEND $$'), '4:3-5:7');
  assert.equal(at("DROP TABLE a;\nSELECT 'ä' FROM WHERE"), '1:1-1:13');
  const broken = lintText("SELECT 1;\nSELECT 'ä😀' FROM WHERE").at(-1);
  assert.deepEqual([broken?.line, broken?.column], [2, 19]);
});

test('migrations know of each other, in the order of the files', () => {
  const files = [
    { name: '1.sql', text: 'ALTER TABLE t ADD CONSTRAINT c CHECK (a IS NOT NULL) NOT VALID' },
    { name: '2.sql', text: 'ALTER TABLE t VALIDATE CONSTRAINT c' },
    { name: '3.sql', text: 'ALTER TABLE t ALTER COLUMN a SET NOT NULL' },
    { name: '4.sql', text: 'CREATE TABLE n (a int)' },
    { name: '5.sql', text: 'CREATE INDEX i ON n (a)' },
  ];
  const server = new Server({ major: 15, minor: null }, null);
  const found = lintFiles(files, grammar, { server, inTransaction: false });
  const rules = found.filter(({ severity, rule }) => severity !== 'advice' && rule !== 'no-lock-timeout');
  // By the fifth file others use the table of the fourth.
  assert.deepEqual(
    rules.map(({ file, rule }) => `${file} ${rule}`),
    ['5.sql create-index-blocking'],
  );
});

test('a tool that wraps each file in a transaction changes what is safe', () => {
  const inTransaction = true;
  assert.deepEqual(rulesOf('CREATE INDEX CONCURRENTLY i ON t (a)', { inTransaction }), [
    'concurrently-in-transaction',
  ]);
  assert.deepEqual(
    rulesOf('ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT c', {
      inTransaction,
    }),
    ['validate-in-same-transaction'],
  );
  assert.deepEqual(rulesOf('BEGIN; SELECT 1; COMMIT', { inTransaction }), ['nested-transaction']);
});

test('files of a change are held to what their phase is for', () => {
  const in_ = (phase: string, sql: string) =>
    lintText(sql, { name: `db/changes/0001-a/${phase}.sql` }).map(({ rule }) => rule);
  assert.deepEqual(in_('contract', 'ALTER TABLE t DROP COLUMN a; DROP TABLE u'), []);
  assert.deepEqual(in_('expand', 'ALTER TABLE t DROP COLUMN a'), ['drop-column']);
  assert.deepEqual(in_('contract', 'CREATE INDEX i ON t (a)'), ['create-index-blocking']);
  assert.deepEqual(
    in_(
      'backfill',
      'UPDATE t SET a = 1 WHERE ctid = ANY (ARRAY(SELECT ctid FROM t WHERE a IS NULL LIMIT :rows))',
    ),
    [],
  );
  assert.deepEqual(in_('revert', 'ALTER TABLE t DROP COLUMN a'), []);
  assert.deepEqual(in_('revert', 'CREATE INDEX i ON t (a)'), ['create-index-blocking']);
});

test('a dump of ten megabytes is read in time, and what is between its rows is found', () => {
  const rows = Array.from(
    { length: 60_000 },
    (_, i) => `INSERT INTO t (a, b) VALUES (${i}, 'it''s row ${i} of many; with a semicolon');`,
  );
  const copied = Array.from({ length: 60_000 }, (_, i) => `${i}\tit's row ${i} of many, and no SQL; at all`);
  const long = `INSERT INTO t VALUES ${Array.from({ length: 60_000 }, (_, i) => `(${i}, 'one of many rows')`).join(', ')};`;
  const text = [...rows, 'DROP TABLE a;', 'COPY t FROM STDIN;', ...copied, '\\.', long, 'DROP TABLE b;'].join(
    '\n',
  );
  assert.ok(text.length > 9_000_000, String(text.length));
  const found = lintText(text).map(({ rule, line }) => `${line} ${rule}`);
  assert.deepEqual(found, ['60001 drop-table', '60001 no-lock-timeout', '120005 drop-table']);
});

test('hostile files give findings, not crashes', () => {
  for (const text of [
    '(',
    ')'.repeat(10_000),
    '$$',
    "'",
    '"',
    '/*'.repeat(10_000),
    '\\',
    'DO',
    ';'.repeat(100_000),
    '\uD800',
    `SELECT ${'('.repeat(100_000)}`,
    `SELECT ${'1+'.repeat(40_000)}1`,
    '-- segue: ignore '.repeat(1_000),
    'x'.repeat(600_000),
  ])
    assert.ok(Array.isArray(lintText(text)));
});

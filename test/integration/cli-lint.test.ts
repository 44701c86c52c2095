/**
 * Bugs hunted: an exit code that lets CI pass, formats that the tools behind them cannot read, a database that is
 * named and not asked (or asked, and written to), an import that overwrites, and verbs that need a segue.yaml.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { LintReport } from '../../src/cli/render/lint.ts';
import { cli } from '../support/cli.ts';
import { cliInside } from '../support/cli-inside.ts';
import { type Postgres, startPostgres } from '../support/postgres.ts';

let folder = '';
before(async () => {
  folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'segue-lint-')));
});
after(() => rm(folder, { recursive: true, force: true }));

/** A project of anybody's: files, and no segue.yaml. */
async function project(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const root = path.join(folder, name);
  for (const [file, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, file)), { recursive: true });
    await writeFile(path.join(root, file), text);
  }
  return root;
}

const SAFE = 'CREATE TABLE t (a int);\n';
const UNSAFE = "SET lock_timeout = '2s';\nCREATE INDEX i ON users (name);\n";
const WARNED = 'ALTER TABLE users ADD COLUMN a int;\n';

const lint = (root: string, ...words: string[]) => cliInside(root, ['database', 'lint', ...words]);

/** What --json writes. */
const reported = (out: string): LintReport => JSON.parse(out);

describe('exit codes', () => {
  test('are 0 without errors, 2 with, and go by --fail-on', async () => {
    const root = await project('exits', {
      'db/safe.sql': SAFE,
      'db/unsafe.sql': UNSAFE,
      'db/warned.sql': WARNED,
    });
    const exits: readonly (readonly [words: readonly string[], exit: number])[] = [
      [['db/safe.sql'], 0],
      [['db/unsafe.sql'], 2],
      [['db/warned.sql'], 0],
      [['db/warned.sql', '--fail-on', 'warning'], 2],
      [['db/safe.sql', '--fail-on', 'advice'], 2],
      [['db/unsafe.sql', '--fail-on', 'never'], 0],
      [['db/unsafe.sql', '--without', 'create-index-blocking'], 0],
      [['db/unsafe.sql', '--json'], 2],
      [['db/unsafe.sql', '--sarif'], 2],
      [['db/unsafe.sql', '--github'], 2],
      [[], 2],
    ];
    for (const [words, exit] of exits)
      assert.equal((await lint(root, ...words)).exitCode, exit, words.join(' '));
  });

  test('are 2, with the reason on stderr, for wrong usage', async () => {
    const root = await project('usage', { 'a.sql': SAFE, 'empty/readme.md': '' });
    const cases: readonly (readonly [words: readonly string[], why: RegExp])[] = [
      [['nothing/*.sql'], /No file matches "nothing\/\*\.sql"/],
      [['empty'], /There is no \.sql file in "empty"/],
      [['a.sql', '--postgres', '9.6'], /expected a version from 10 on/],
      [['a.sql', '--fail-on', 'everything'], /expected error, warning, advice or never/],
      [['a.sql', '--without', 'drop-tabel'], /there is no rule "drop-tabel"/],
      [['a.sql', '--database', 'env:NOT_SET_ANYWHERE'], /NOT_SET_ANYWHERE is not set/],
    ];
    for (const [words, why] of cases) {
      const { exitCode, err, out } = await lint(root, ...words);
      assert.equal(exitCode, 2);
      assert.match(err, why);
      assert.equal(out, '');
    }
  });
});

test('people read the place, the harm and the safe form', async () => {
  const root = await project('text', { 'db/1.sql': UNSAFE });
  const { out, exitCode } = await cli(root, ['database', 'lint']);
  assert.equal(exitCode, 2);
  assert.equal(
    out,
    `db/1.sql:2:1: error create-index-blocking
  The index is built under SHARE: nobody writes to users until the index is built.
  safe: CREATE INDEX CONCURRENTLY i ON users (name);

1 error in 1 file for PostgreSQL 14, sizes not known (--database); 2 more with --advice
`,
  );
});

test('files come from names, folders, globs and stdin, in the order in which they run', async () => {
  const drop = (n: number) =>
    `DROP VIEW v; -- segue: ignore no-lock-timeout because of ${n}\nDROP TABLE t${n};`;
  const root = await project('files', {
    'm/2.sql': drop(2),
    'm/10.sql': drop(10),
    'm/a/3.sql': drop(3),
    'm/read.me': 'no SQL',
    'node_modules/x/4.sql': drop(4),
  });
  const files = async (...words: string[]) => {
    return reported((await lint(root, '--json', ...words)).out).findings.map(({ file }) => file);
  };
  assert.deepEqual(await files('m'), ['m/2.sql', 'm/10.sql', 'm/a/3.sql']);
  assert.deepEqual(await files('**/*.sql'), ['m/2.sql', 'm/10.sql', 'm/a/3.sql']);
  assert.deepEqual(await files('m/10.sql', './m/2.sql', 'm/2.sql'), ['m/2.sql', 'm/10.sql']);
  const stdin = await cli(root, ['database', 'lint', '-']);
  assert.match(stdin.out, /^nothing found in 1 file/);
});

test('empty files, other encodings and line ends are read', async () => {
  const root = await project('encodings', {
    'empty.sql': '',
    'crlf.sql': '\uFEFF-- one\r\nDROP TABLE a;\r\n',
  });
  await writeFile(path.join(root, 'utf16.sql'), Buffer.from('\uFEFFDROP TABLE a;', 'utf16le'));
  await writeFile(path.join(root, 'bytes.sql'), Buffer.from([0x53, 0xff, 0xfe, 0x00, 0x28]));
  const { findings } = reported((await lint(root, '*.sql', '--json', '--without', 'no-lock-timeout')).out);
  assert.deepEqual(
    findings.map(({ file, line, column, rule }) => `${file}:${line}:${column} ${rule}`),
    ['bytes.sql:1:4 syntax-error', 'crlf.sql:2:1 drop-table', 'utf16.sql:1:1 drop-table'],
  );
});

describe('for other tools', () => {
  test('SARIF names its rules and where each finding is', async () => {
    const root = await project('sarif', { 'db/a b.sql': UNSAFE });
    const log = JSON.parse((await lint(root, '--sarif')).out);
    assert.equal(log.version, '2.1.0');
    const [{ tool, results, columnKind }] = log.runs;
    assert.equal(columnKind, 'utf16CodeUnits');
    const [result] = results;
    assert.equal(tool.driver.rules[result.ruleIndex].id, result.ruleId);
    assert.equal(result.ruleId, 'create-index-blocking');
    assert.equal(result.level, 'error');
    assert.match(result.message.text, /\nSafe: CREATE INDEX CONCURRENTLY/);
    const { artifactLocation, region } = result.locations[0].physicalLocation;
    assert.equal(artifactLocation.uri, 'db/a%20b.sql');
    assert.deepEqual(region, { startLine: 2, startColumn: 1, endLine: 2, endColumn: 31 });
    const rules: readonly { id: string; defaultConfiguration: { level: string } }[] = tool.driver.rules;
    const ids = rules.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const rule of rules)
      assert.ok(['error', 'warning', 'note'].includes(rule.defaultConfiguration.level));
  });

  test('annotations escape what would end them', async () => {
    const root = await project('github', {
      'a,b:c.sql': 'SELECT 100%;\nALTER TABLE "50%\nx" DROP COLUMN a;',
    });
    const { out } = await lint(root, 'a,b:c.sql', '--github', '--without', 'no-lock-timeout');
    const [syntax, drop, ...more] = out.trimEnd().split('\n');
    assert.deepEqual(more, []);
    assert.match(syntax ?? '', /^::error file=a%2Cb%3Ac\.sql,line=1,col=12,endLine=1,title=syntax-error::/);
    assert.match(
      drop ?? '',
      /^::error file=.*,line=2,.*title=drop-column::.*"50%25%0Ax"\.a fails at once.*%0Asafe: /,
    );
  });
});

describe('with a database', () => {
  let server: Postgres;
  let url = '';
  before(async () => {
    server = await startPostgres();
    const name = await server.createDatabase();
    url = server.url(name);
    const client = await server.connect(name);
    await client.query(`
      CREATE TABLE users (id bigint PRIMARY KEY, name varchar(20), age int, CONSTRAINT age_there CHECK (age IS NOT NULL));
      INSERT INTO users SELECT i, 'n', i FROM generate_series(1, 1000) i;
      CREATE TABLE "Mixed Case" (id bigint);
      CREATE INDEX users_name_idx ON users (name);
      CREATE TABLE parts (id bigint) PARTITION BY RANGE (id);
      CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (1000);
      INSERT INTO parts SELECT i FROM generate_series(1, 500) i;
      CREATE FUNCTION steady() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
      ANALYZE;`);
  });
  after(() => server.stop());

  test('it asks for the version, the sizes, the columns and what is validated', async () => {
    const root = await project('database', {
      'db/1.sql': `SET lock_timeout = '2s';
ALTER TABLE users ALTER COLUMN name TYPE varchar(40);
ALTER TABLE users ALTER COLUMN age SET NOT NULL;
ALTER TABLE users ADD COLUMN n int DEFAULT steady();
CREATE INDEX i ON users (age);
DROP INDEX users_name_idx;
CREATE INDEX j ON "Mixed Case" (id);
CREATE INDEX k ON parts (id);`,
    });
    const { out, err, exitCode } = await cli(root, ['database', 'lint', '--json'], {
      SEGUE_DATABASE_URL: url,
    });
    assert.equal(err, '');
    const { findings, postgres, sized } = reported(out);
    assert.equal(postgres.major, server.version);
    assert.equal(sized, true);
    const lines = findings.map(({ severity, rule, message }) => `${severity} ${rule}: ${message}`);
    assert.equal(lines.length, 4, lines.join('\n'));
    assert.match(
      lines[0] ?? '',
      /^warning create-index-blocking: .* writes to users for a moment \(.* KB, 1000 rows\)\.$/,
    );
    assert.match(lines[1] ?? '', /^warning drop-index-blocking: This takes ACCESS EXCLUSIVE on users/);
    assert.match(lines[2] ?? '', /^warning create-index-blocking: .*"Mixed Case" for a moment/);
    assert.match(
      lines[3] ?? '',
      /^warning create-index-blocking: .*parts for a moment \(.* KB, 500 rows\)\.$/,
    );
    // All of them small: nothing that should stop a release.
    assert.equal(exitCode, 0);
  });

  test('one that does not answer is said, and the files are linted all the same', async () => {
    const root = await project('away', { 'a.sql': UNSAFE });
    const { err, out, exitCode } = await lint(
      root,
      'a.sql',
      '--database',
      'postgresql://u:very-secret@127.0.0.1:1/x',
    );
    assert.match(err, /^note: the database was not asked for table sizes: .*ECONNREFUSED/);
    assert.ok(!(err + out).includes('very-secret'));
    assert.match(out, /create-index-blocking/);
    assert.equal(exitCode, 2);
  });

  test('a version that is named counts more than what the database says', async () => {
    const root = await project('named', { 'a.sql': 'ALTER TABLE users ADD COLUMN x int DEFAULT 1;' });
    const { out } = await lint(root, 'a.sql', '--postgres', '10', '--database', url, '--json');
    assert.deepEqual(JSON.parse(out).postgres, { major: 10, minor: null });
    assert.match(out, /add-column-volatile-default/);
  });
});

describe('segue database import', () => {
  const MIGRATION = 'ALTER TABLE "User" ADD COLUMN "age" INTEGER, DROP COLUMN "legacy";\n';
  const importing = (root: string, ...words: string[]) => cliInside(root, ['database', 'import', ...words]);

  test('writes a numbered folder, and never over one that is there', async () => {
    const root = await project('import', {
      'prisma/migrations/20260301_add_age/migration.sql': MIGRATION,
      'db/changes/0007-other/expand.sql': 'SELECT 1;\n',
    });
    const from = 'prisma/migrations/20260301_add_age/migration.sql';
    const first = await importing(root, from);
    assert.equal(first.exitCode, 0, first.err);
    assert.match(
      first.out,
      /^written: db\/changes\/0008-add-age\/ \(expand\.sql, contract\.sql, revert\.sql\)/,
    );
    const folderPath = path.join(root, 'db/changes/0008-add-age');
    assert.deepEqual((await readdir(folderPath)).toSorted(), ['contract.sql', 'expand.sql', 'revert.sql']);
    await writeFile(path.join(folderPath, 'expand.sql'), 'mine');
    const again = await importing(root, from);
    assert.equal(again.exitCode, 5);
    assert.match(again.err, /^error CHANGE_EXISTS: .*\n {2}.*0008-add-age/);
    assert.equal(await readFile(path.join(folderPath, 'expand.sql'), 'utf8'), 'mine');
    assert.equal((await importing(root, from, '--name', 'second')).exitCode, 0);
    assert.equal((await importing(root, from, '--force')).exitCode, 0);
    assert.match(await readFile(path.join(folderPath, 'expand.sql'), 'utf8'), /ADD COLUMN "age" INTEGER;/);
    assert.deepEqual((await readdir(path.join(root, 'db/changes'))).toSorted(), [
      '0007-other',
      '0008-add-age',
      '0009-second',
    ]);
  });

  test('takes a folder of migrations, in their order, without the ways down', async () => {
    const root = await project('folder', {
      'migrations/2_second.up.sql': 'CREATE TABLE b (id bigint);',
      'migrations/2_second.down.sql': 'DROP TABLE b;',
      'migrations/10_third.up.sql': 'CREATE TABLE c (id bigint);',
      'migrations/1_first.up.sql': 'CREATE TABLE a (id bigint);',
    });
    const { exitCode, out } = await importing(root, 'migrations', '--to', 'changes', '--json');
    assert.equal(exitCode, 0);
    assert.equal(JSON.parse(out).changes.length, 3);
    assert.deepEqual((await readdir(path.join(root, 'changes'))).toSorted(), [
      '0001-first',
      '0002-second',
      '0003-third',
    ]);
  });

  test('says where a person has to look, ends with 4, and with --dry-run writes nothing', async () => {
    const root = await project('look', {
      'a.sql': 'ALTER TABLE t RENAME COLUMN a TO b;\nALTER TABLE t ADD COLUMN c int;',
    });
    const { exitCode, out } = await importing(root, 'a.sql', '--dry-run');
    assert.equal(exitCode, 4);
    assert.match(out, /a\.sql:1:1: look t\.a cannot be renamed .* \(renameColumn\)\. It was left out\./);
    assert.match(out, /ALTER TABLE t ADD COLUMN c int;/);
    assert.deepEqual(await readdir(root), ['a.sql']);
  });

  test('says of a file without a statement that it has none, and of no other what to read', async () => {
    const root = await project('nothing', { 'a.sql': '-- later\n' });
    const { exitCode, out } = await importing(root, 'a.sql');
    assert.deepEqual([exitCode, out], [0, 'nothing: a.sql has no statement\n']);
    assert.deepEqual(await readdir(root), ['a.sql']);
  });

  test('refuses what it does not know', async () => {
    const root = await project('refuse', { 'a.sql': SAFE, 'b.sql': SAFE });
    assert.match(
      (await importing(root, 'a.sql', '--from', 'django')).err,
      /expected one of prisma, drizzle, knex, rails, sql/,
    );
    assert.match((await importing(root, 'c.sql')).err, /No file matches "c\.sql"/);
    assert.match((await importing(root, '.', '--name', 'x')).err, /--name is for one migration/);
  });
});

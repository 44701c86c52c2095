/**
 * Bugs hunted: a way back from a contract that is not tried, that loses what the new version wrote since or is not
 * read by the old one without anybody being told, and one that is promised where there is none.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { changeYaml, PEOPLE, RENAME, rehearsalServer, type RehearsalServer } from '../support/rehearsal.ts';

let server: RehearsalServer;
before(async () => {
  server = await rehearsalServer();
});
after(() => server.end());

const KEPT = RENAME.replace('keep: 0', 'keep: 1h');

test('a contract is taken back with what the new version wrote since, and made once more', async () => {
  const { json, run } = await server.place(PEOPLE, { '0001-rename/change.yaml': KEPT });
  const found = await json();
  assert.deepEqual(found.verdict, { fit: true, exitCode: 0, reasons: [] }, JSON.stringify(found, null, 1));
  assert.deepEqual(
    found.stages.slice(6).map(({ stage }) => stage),
    ['contract', 'kept', 'restore', 'together', 'finish', 'after'],
  );
  for (const { stage, statements } of found.stages.slice(6))
    if (stage !== 'contract' && stage !== 'finish') assert.ok(statements > 0, stage);
  const { restored } = found;
  assert.deepEqual([restored?.state, restored?.lost], ['gone', []]);
  assert.deepEqual(restored?.contracts, [{ name: '0001-rename', keepMs: 3_600_000, comesBack: true }]);
  // Ten rows that were written before and read after; then both ways, as before the contract.
  assert.equal(restored?.crossed.checked, 50);
  const shown = await run();
  assert.match(
    shown.out,
    /^would be lost on the way back: nothing\n\nSTAGE[\s\S]*^restore .*\n[\s\S]*^the old version can come back until 1h after the contract of 0001-rename, which is taken back first; then that is refused\n.*: 50 values\nwould be lost by taking it back: nothing\nfit: /m,
  );
});

test('what is lost by taking a contract back is counted, and what the old version reads otherwise is shown', async () => {
  const spoil = `CREATE FUNCTION spoil() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
    IF to_regclass('segue.changes') IS NOT NULL THEN
      IF EXISTS (SELECT FROM segue.changes WHERE phase = 'restoring') THEN
        PERFORM set_config('session_replication_role', 'replica', true);
        DELETE FROM people WHERE id = 31;
        UPDATE people SET age = -1 WHERE id BETWEEN 40 AND 42;
        UPDATE people SET name = 'spoilt' WHERE id <= 10;
        PERFORM set_config('session_replication_role', 'origin', true);
      END IF;
    END IF;
  END $$;
  CREATE EVENT TRIGGER spoil ON ddl_command_end EXECUTE FUNCTION spoil()`;
  const { json } = await server.place(`${PEOPLE}; ${spoil}`, {
    '0001-rename/change.yaml': `${KEPT}rehearse:
  old: [SELECT name FROM people WHERE id = 1]
  new: ['UPDATE people SET "full" = $1 WHERE id = 50']
`,
  });
  const { restored, verdict, exitCode, back } = await json();
  assert.deepEqual(back.lost, []);
  assert.deepEqual(
    restored?.lost.map(({ table, column, count }) => [table, column, count]),
    [
      ['people', 'name', 10],
      ['people', 'age', 3],
      ['people', null, 1],
    ],
  );
  assert.deepEqual([restored?.rows, restored?.values], [1, 13]);
  const [apart] = restored?.crossed.apart ?? [];
  assert.deepEqual(
    [apart?.writer, apart?.columns, apart?.read, apart?.times],
    ['new', ['full'], '(spoilt)', 10],
  );
  assert.deepEqual([exitCode, verdict.reasons.map(({ kind }) => kind)], [2, ['read-apart', 'lost']]);
});

test('a way back from the contract that the database refuses is a finding', async () => {
  const setup = `${PEOPLE}; CREATE UNIQUE INDEX people_once ON people (id, (age / 1000))`;
  const { json } = await server.place(`${setup}; ALTER TABLE people DROP CONSTRAINT people_pkey`, {
    '0001-rename/change.yaml': `keep: 1h
operations: [{ renameColumn: { table: people, column: name, to: full } }, { dropIndex: { table: people, name: people_once } }]
rehearse:
  old: [SELECT name FROM people WHERE id = 1]
  new: ['INSERT INTO people (id, "full", age) SELECT 600, $1, 1 WHERE to_regclass($$people_once$$) IS NULL']
`,
  });
  const { broken, restored, exitCode, stages } = await json();
  assert.deepEqual([broken?.stage, broken?.code], ['restore', 'DATABASE_STATEMENT_FAILED'], broken?.detail);
  assert.match(broken?.detail ?? '', /people_once/);
  assert.deepEqual([exitCode, restored?.state, stages.at(-1)?.stage], [2, 'not-reached', 'restore']);
});

test('a contract without a way back says so, and ends the one of those before it', async () => {
  const { json, run } = await server.place(PEOPLE, {
    '0001-rename/change.yaml': KEPT,
    '0002-born/change.yaml': changeYaml('{ setNotNull: { table: people, column: age, up: "0" } }'),
  });
  const found = await json();
  assert.equal(found.exitCode, 0, JSON.stringify(found.verdict));
  assert.deepEqual([found.restored?.state, found.restored?.lost], ['gone', []]);
  const shown = await run('0002');
  assert.match(
    shown.out,
    /^after .*\n\nthe old version can come back until the contract of 0002-born, then that is refused\nnote: .*\nfit: /m,
  );
  assert.doesNotMatch(shown.out, /^(?:restore|kept|finish) /m);
  assert.equal((await json('--no-contract')).restored, null);
});

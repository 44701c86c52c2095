/** Hunts a database whose changes go with a service that is not there, and contracts by a time that nobody meant. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseProjectFile } from './parse.ts';

const parse = (database: string) =>
  parseProjectFile(
    `project: shop\nservices: { web: { run: node server.js, traffic: { listen: 8080 } } }\ndatabase: ${database}\n`,
    'segue.yaml',
    null,
  );

function databaseOf(text: string) {
  const result = parse(text);
  assert.ok(result.ok, JSON.stringify(result));
  return result.project.database;
}

function problemsOf(text: string): string[] {
  const result = parse(text);
  return result.ok ? [] : result.problems.map(({ message }) => message);
}

test('a contract waits for a person unless the file says how long', () => {
  const url = 'env:DATABASE_URL';
  assert.deepEqual(databaseOf(`{ url: ${url} }`), {
    ...{ url, changes: 'db/changes', services: null },
    contract: { afterMs: null, clients: [] },
  });
  assert.deepEqual(databaseOf(`{ url: ${url}, contract: { after: 0, clients: [psql] } }`)?.contract, {
    ...{ afterMs: 0, clients: ['psql'] },
  });
  assert.equal(databaseOf(`{ url: ${url}, contract: { after: 1d } }`)?.contract.afterMs, 86_400_000);
});

test('what cannot be meant is refused where it stands', () => {
  assert.match(
    problemsOf('{ url: env:A, services: [api] }').join(),
    /database\.services\[0\]: there is no service api/,
  );
  assert.match(problemsOf('{ url: env:A, services: [] }').join(), /at least one service/);
  assert.match(
    problemsOf('{ url: env:A, contract: { after: soon } }').join(),
    /expected a duration such as 500ms/,
  );
  assert.match(problemsOf('{ url: mysql://db }').join(), /postgres:\/\//);
});

/**
 * Bugs hunted: a throwaway server that outlives its test (also one that was killed), that another user's folder
 * keeps from starting, and a development dependency that does not run where no PostgreSQL is installed.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { eventually } from '../contract/eventually.ts';
import { startPostgres } from '../support/postgres.ts';
import { processesUnder } from '../support/processes.ts';

let dir: string;
before(() => {
  // As mktemp makes it for CI: others cannot look into it.
  dir = mkdtempSync(path.join(tmpdir(), 'segue-pg-test-'));
});
after(() => rmSync(dir, { recursive: true, force: true }));

test('the server that comes as a dependency runs, and is gone after stop', async () => {
  const server = await startPostgres({ from: 'embedded' });
  const { host } = server.config();
  try {
    const client = await server.connect(await server.createDatabase());
    const { rows } = await client.query('SHOW server_version_num');
    assert.equal(Math.floor(Number(rows[0].server_version_num) / 10_000), server.version);
    assert.ok(server.version >= 17);
  } finally {
    await server.stop();
  }
  assert.equal(existsSync(host), false);
  assert.deepEqual(await processesUnder(host), []);
});

for (const signal of ['SIGTERM', 'SIGKILL'] as const)
  test(`a test that ends by ${signal} leaves no server`, async () => {
    const child = startChild();
    const host = await firstLine(child);
    assert.ok((await processesUnder(host)).length > 0);
    child.kill(signal);
    await once(child, 'exit');
    await eventually('the server is gone', async () => (await processesUnder(host)).length === 0);
    // Nobody can clean up after SIGKILL.
    assert.equal(existsSync(host), signal === 'SIGKILL');
  });

function startChild(): ChildProcess {
  const code = `
    const { startPostgres } = await import(${JSON.stringify(path.join(import.meta.dirname, '../support/postgres.ts'))});
    const server = await startPostgres();
    console.log(server.config().host);
    setInterval(() => {}, 1000);`;
  return spawn(process.execPath, ['--input-type=module', '-e', code], {
    env: { ...process.env, TMPDIR: dir },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function firstLine(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout);
  for await (const chunk of child.stdout) return String(chunk).trim();
  throw new Error('the child said nothing');
}

/**
 * A run of a change that ends itself with SIGKILL at the n-th boundary: of a step or a batch (`event`), or of a
 * statement that was sent to the server, answered or not (`statement`). Says how many there are when none is hit.
 */
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { systemClock } from '../../src/drivers/clock/system.ts';
import { postgresOpener } from '../../src/drivers/database/postgres/open.ts';
import type { Watch } from '../../src/core/database/runner.ts';
import { changeOf, runToEnd } from './database.ts';

const [url = '', file = '', kind = '', at = '0'] = process.argv.slice(2);
let seen = 0;

function boundary(of: string): void {
  if (of !== kind) return;
  seen += 1;
  if (seen === Number(at)) process.kill(process.pid, 'SIGKILL');
}

// What is sent is on its way before the call returns, so odd numbers die before it and even ones after.
const send: unknown = Reflect.get(pg.Client.prototype, 'query');
pg.Client.prototype.query = function query(this: pg.Client, ...words: unknown[]) {
  boundary('statement');
  const sent: unknown = typeof send === 'function' ? Reflect.apply(send, this, words) : undefined;
  boundary('statement');
  return sent;
} as typeof pg.Client.prototype.query;

const change = changeOf(readFileSync(file, 'utf8'));
const opener = postgresOpener({
  // Batches are as many rows as their time allows: where it stands still, every run has the same ones.
  clock: { ...systemClock, monotonicMs: () => 0 },
  chance: () => 0.5,
  holder: { name: 'child', isGone: () => false },
});
const runner = await opener.open(url);
const watch: Watch = {
  // Before it is begun is after the one before it was done.
  onStep: ({ state }) => (state === 'begun' ? undefined : boundary('event')),
  onProgress: () => boundary('event'),
};
await runToEnd(runner, change, watch);
await runner.close();
process.stdout.write(String(seen));

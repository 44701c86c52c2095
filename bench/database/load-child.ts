/** The process of `load.ts`. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { LoadOptions, Taken } from './load.ts';

const { config, perSecond, clients, statements }: LoadOptions = JSON.parse(process.argv[2] ?? '{}');
const pool = new pg.Pool({ ...config, max: clients });
pool.on('error', () => undefined);

const connections = await Promise.all(Array.from({ length: clients }, () => pool.connect()));
let latenciesMs: number[] = [];
let failures: string[] = [];
let stopping = false;
let sent = 0;
const beganMs = performance.now();
let takenMs = beganMs;

async function work(connection: pg.PoolClient): Promise<void> {
  while (!stopping) {
    const dueMs = beganMs + (sent * 1_000) / perSecond;
    const statement = statements[sent % statements.length] ?? '';
    sent += 1;
    await sleep(Math.max(0, dueMs - performance.now()));
    try {
      await connection.query(statement);
    } catch (error) {
      failures.push(`${statement}: ${error instanceof Error ? error.message : String(error)}`);
    }
    latenciesMs.push(performance.now() - dueMs);
  }
  connection.release();
}

const running = Promise.all(connections.map(work));

function take(): void {
  const nowMs = performance.now();
  const taken: Taken = { latenciesMs, failures, forMs: nowMs - takenMs };
  process.send?.(taken);
  latenciesMs = [];
  failures = [];
  takenMs = nowMs;
}

process.on('message', (what: 'take' | 'stop') => {
  if (what === 'take') {
    take();
    return;
  }
  stopping = true;
  void running.then(() => pool.end()).then(take);
});
process.send?.('begun');

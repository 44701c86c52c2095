/** The process of `load.ts`. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { LoadOptions } from './load.ts';

const { config, perSecond, clients, statements }: LoadOptions = JSON.parse(process.argv[2] ?? '{}');
const pool = new pg.Pool({ ...config, max: clients });
pool.on('error', () => undefined);

let latenciesMs: number[] = [];
let failures: string[] = [];
let stopping = false;

const beganMs = performance.now();
let sent = 0;

async function client(): Promise<void> {
  const connection = await pool.connect();
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

const running = Promise.all(Array.from({ length: clients }, client));

function take(): void {
  process.send?.({ latenciesMs, failures });
  latenciesMs = [];
  failures = [];
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

/** Clients of an old and a new version that write at the same time; a statement that fails is kept, and counted. */
import assert from 'node:assert/strict';
import type { Client } from 'pg';
import type { TestDatabase } from './database.ts';

export class Writers {
  readonly failures: string[] = [];
  done = 0;
  longestMs = 0;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];

  static async start(db: TestDatabase, statements: readonly string[], clients: number): Promise<Writers> {
    const writers = new Writers();
    for (let i = 0; i < clients; i += 1)
      writers.#running.push(writers.#write(await db.connect(), statements, i));
    return writers;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  /** Resolves when so many more statements are done: there was a load, whatever the machine does meanwhile. */
  async more(statements: number): Promise<void> {
    const until = this.done + statements;
    while (this.done < until && this.failures.length === 0)
      await new Promise((resolve) => setImmediate(resolve));
  }

  async #write(client: Client, statements: readonly string[], offset: number): Promise<void> {
    for (let i = offset; !this.#stop.signal.aborted; i += 1) {
      const statement = statements[i % statements.length] ?? '';
      const begunMs = performance.now();
      try {
        await client.query(statement);
      } catch (error) {
        this.failures.push(`${statement}: ${error instanceof Error ? error.message : String(error)}`);
        return;
      }
      this.done += 1;
      this.longestMs = Math.max(this.longestMs, performance.now() - begunMs);
    }
  }
}

/** Before an act, and after it. */
const STATEMENTS = 20;

/** Programs of these versions at work while `act` runs, and a while before and after it: none of them may fail. */
export async function underLoad(
  db: TestDatabase,
  versions: readonly (readonly string[])[],
  act: () => Promise<void>,
): Promise<void> {
  const writers = await Promise.all(versions.map((texts) => Writers.start(db, texts, 2)));
  try {
    for (const each of writers) await each.more(STATEMENTS);
    await act();
    for (const each of writers) await each.more(STATEMENTS);
  } finally {
    for (const each of writers) await each.stop();
  }
  assert.deepEqual(
    writers.flatMap(({ failures }) => failures),
    [],
  );
}

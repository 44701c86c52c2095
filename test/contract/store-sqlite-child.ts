/** What the tests of the SQLite store let another process do: `node store-sqlite-child.ts VERB ROOT`. */
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SegueError } from '../../src/core/errors.ts';
import { openSqliteStore } from '../../src/drivers/store/sqlite/open.ts';
import { entry } from './records.ts';

const [verb = '', root = ''] = process.argv.slice(2);
const say = (line: string | number) => process.stdout.write(`${line}\n`);
const codeOf = (error: unknown) => (error instanceof SegueError ? error.code : String(error));
/** Ends with the test that started it, even when that is killed. */
const hold = () => process.stdin.resume().on('end', () => process.exit());

const verbs: Readonly<Record<string, () => Promise<void>>> = {
  async open() {
    try {
      await openSqliteStore({ root });
      say('open');
      hold();
    } catch (error) {
      say(codeOf(error));
    }
  },

  async 'open-and-close'() {
    await (await openSqliteStore({ root })).close();
  },

  /** Says each number once its commit was acknowledged, until it is killed. */
  async commit() {
    const store = await openSqliteStore({ root });
    hold();
    for (let pid = 1; ; pid += 1) {
      for (const { seq } of await store.commit([entry(pid), entry(pid)], [])) say(seq);
      await new Promise(setImmediate);
    }
  },

  async 'leave-a-child'() {
    await openSqliteStore({ root });
    const sleeper = ['-e', 'setTimeout(() => {}, 60_000)'];
    const { pid } = spawn(process.execPath, sleeper, { detached: true, stdio: 'ignore' });
    say(pid ?? 0);
    hold();
  },

  async 'fill-the-disk'() {
    const store = await openSqliteStore({ root });
    await store.commit([entry(1)], []);
    fill(join(root, 'filler'));
    const large = entry(2, { fact: { kind: 'gateway-lost', detail: 'x'.repeat(20_000) } });
    let acknowledged = 1;
    try {
      for (; acknowledged < 10_000; acknowledged += 1) await store.commit([large], []);
    } catch (error) {
      say(codeOf(error));
    }
    rmSync(join(root, 'filler'));
    const [next] = await store.commit([entry(3)], []);
    say(`${(next?.seq ?? 0) - acknowledged} after the last that was acknowledged`);
    await store.close();
  },

  async 'open-on-a-full-disk'() {
    fill(join(root, 'filler'));
    await openSqliteStore({ root }).catch((error: unknown) => say(codeOf(error)));
    rmSync(join(root, 'filler'));
    await (await openSqliteStore({ root })).close();
    say('open');
  },
};

function fill(path: string): void {
  try {
    writeFileSync(path, Buffer.alloc(64 * 1024 * 1024));
  } catch {
    // That was the aim.
  }
}

await verbs[verb]?.();

/** Hunts values that are lost or reordered, a reader that hangs on a silent source, and failures nobody waits for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { merge } from './merge.ts';

const never = new AbortController().signal;

async function* counting(name: string, to: number): AsyncGenerator<string> {
  for (let i = 1; i <= to; i += 1) {
    await turn();
    yield `${name}${i}`;
  }
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

test('every value of every source arrives, each source in its order', async () => {
  const all = await collect(merge([counting('a', 5), counting('b', 50), counting('c', 0)], never));
  assert.equal(all.length, 55);
  assert.deepEqual(
    all.filter((value) => value.startsWith('b')),
    Array.from({ length: 50 }, (_, i) => `b${i + 1}`),
  );
});

test('a silent source holds nobody up, and ends with the signal', async () => {
  const stop = new AbortController();
  async function* silent(): AsyncGenerator<string> {
    await new Promise((resolve) => stop.signal.addEventListener('abort', resolve));
    yield 'too late';
  }
  const seen: string[] = [];
  for await (const value of merge([silent(), counting('a', 3)], stop.signal)) {
    seen.push(value);
    if (seen.length === 3) stop.abort();
  }
  assert.deepEqual(seen, ['a1', 'a2', 'a3']);
});

test('the failure of a source is the failure of the whole', async () => {
  async function* broken(): AsyncGenerator<string> {
    yield 'one';
    throw new Error('the disk is gone');
  }
  await assert.rejects(collect(merge([broken(), counting('a', 3)], never)), /the disk is gone/);
});

test('a source that fails after the reader has left ends nothing', async (t) => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on('unhandledRejection', note);
  t.after(() => process.off('unhandledRejection', note));
  async function* late(): AsyncGenerator<string> {
    yield 'one';
    await turn();
    throw new Error('too late');
  }
  for await (const _ of merge([late()], never)) break;
  for (let i = 0; i < 5; i += 1) await turn();
  assert.deepEqual(unhandled, []);
});

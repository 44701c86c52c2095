/** Hunts two pieces of work on one version at once, and a failure that blocks everything after it. */
import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test } from 'node:test';
import { Turns } from './turns.ts';

test('one thing: one after the other in the order of asking; another thing: at once', async () => {
  const turns = new Turns();
  const log: string[] = [];
  const work = (name: string, ticks: number) => async () => {
    log.push(`${name} begins`);
    for (let i = 0; i < ticks; i += 1) await turn();
    log.push(`${name} ends`);
    return name;
  };
  const names = await Promise.all([
    turns.take('v1', work('a', 5)),
    turns.take('v1', work('b', 1)),
    turns.take('v2', work('c', 1)),
  ]);
  assert.deepEqual(names, ['a', 'b', 'c']);
  const of = (name: string) => [log.indexOf(`${name} begins`), log.indexOf(`${name} ends`)] as const;
  assert.ok(of('b')[0] > of('a')[1], log.join(', '));
  assert.ok(of('c')[1] < of('a')[1], log.join(', '));
});

test('a failure goes to the one who asked, and the next has its turn', async () => {
  const turns = new Turns();
  const failing = turns.take('v1', () => Promise.reject(new Error('broken')));
  const next = turns.take('v1', async () => 'done');
  await assert.rejects(failing, /broken/);
  assert.equal(await next, 'done');
});

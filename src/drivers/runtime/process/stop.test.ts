/** Bugs hunted: helpers of a program that ends well killed too early, and orphans left waiting for the kill. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { withDescendants } from './members.ts';
import type { ProcessStat } from './proc-parse.ts';
import { keyOf } from './process-table.ts';
import { orphansOf } from './stop.ts';

const process_ = (pid: number, parent: number): ProcessStat => ({
  pid,
  parent,
  state: 'S',
  group: pid,
  session: pid,
  start: '100',
  cpuTicks: 0,
});
const pids = (stats: readonly ProcessStat[]) => stats.map((stat) => stat.pid).sort((a, b) => a - b);

describe('orphansOf', () => {
  it('leaves alone what has a living forebear that was told', () => {
    const members = [process_(10, 1), process_(11, 10), process_(12, 11), process_(20, 1), process_(21, 20)];
    assert.deepEqual(pids(orphansOf(members, new Set([keyOf(process_(10, 1))]))), [20, 21]);
    assert.deepEqual(pids(orphansOf(members, new Set())), [10, 11, 12, 20, 21]);
    assert.deepEqual(pids(orphansOf(members, new Set(['10:99', '20:100']))), [10, 11, 12]);
  });
});

describe('withDescendants', () => {
  it('finds children of any depth, in any order', () => {
    const all = [process_(13, 12), process_(12, 11), process_(11, 10), process_(10, 1), process_(30, 1)];
    assert.deepEqual(pids(withDescendants([process_(11, 10)], all)), [11, 12, 13]);
    assert.deepEqual(withDescendants([], all), []);
  });
});

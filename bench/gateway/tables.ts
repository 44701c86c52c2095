/** The figures as people read them. */
import { formatBytes } from '../../src/core/units.ts';
import { spreadOf } from '../support/spread.ts';
import { BUSY_CONNECTIONS, type Memory } from './memory.ts';
import type { RivalName } from './rival.ts';
import type { Target } from './scenarios.ts';
import type { Slice } from './slice.ts';

/** By rival, one for each round. */
export type Rounds = ReadonlyMap<RivalName, readonly Slice[]>;

const NAME_WIDTH = 12;
const WIDTHS = [10, 13, 11, 9];

export const medianOf = (slices: readonly Slice[], figure: keyof Slice): number =>
  spreadOf(slices.map((slice) => slice[figure])).median;

function printRow(name: string, cells: readonly string[]): void {
  console.log(name.padEnd(NAME_WIDTH) + cells.map((cell, i) => cell.padStart(WIDTHS[i] ?? 0)).join(''));
}

export function printRounds(rounds: Rounds): void {
  printRow('', ['per s', 'CPU us each', 'p50 ms', 'p99 ms']);
  for (const [name, slices] of rounds) {
    const median = (figure: keyof Slice) => medianOf(slices, figure);
    printRow(name, [
      median('perSecond').toFixed(0),
      (1e6 / median('perCpuSecond')).toFixed(1),
      median('p50Ms').toFixed(2),
      median('p99Ms').toFixed(2),
    ]);
  }
}

export function printMemory(all: ReadonlyMap<RivalName, Memory>): void {
  console.log(`\nMemory: with ${BUSY_CONNECTIONS} busy connections, and for each further one that is idle`);
  printRow('', ['busy', 'all of it', 'each idle']);
  for (const [name, { busyBytes, allBytes, perIdleBytes }] of all) {
    const idle = perIdleBytes === null ? 'not known' : formatBytes(Math.round(perIdleBytes));
    printRow(name, [formatBytes(busyBytes), formatBytes(allBytes), idle]);
  }
}

/** True when it is kept. */
export function checkTarget(target: Target, rounds: Rounds): boolean {
  const { rival, figure, what, atLeast = 0, atMost = Infinity } = target;
  const theirs = rounds.get(rival);
  const ours = rounds.get('segue');
  if (!ours || !theirs) {
    console.log(`not known  ${what}: ${ours ? rival : 'segue'} was not measured`);
    return false;
  }
  const { min, median, max } = spreadOf(
    ours.map((slice, round) => slice[figure] / (theirs[round]?.[figure] ?? Number.NaN)),
  );
  const wanted = target.atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
  const spread = `${min.toFixed(2)} to ${max.toFixed(2)}`;
  return verdict(
    median >= atLeast && median <= atMost,
    `${what}: ${median.toFixed(2)} x ${rival} (${spread}), target ${wanted} x`,
  );
}

const BUSY_BYTES_MAX = 120 * 1024 * 1024;
const IDLE_BYTES_MAX = 12 * 1024;

export function checkMemory({ busyBytes, perIdleBytes }: Memory): boolean {
  const busy = verdict(
    busyBytes < BUSY_BYTES_MAX,
    `memory with ${BUSY_CONNECTIONS} connections: ${formatBytes(busyBytes)}, target under ${formatBytes(BUSY_BYTES_MAX)}`,
  );
  if (perIdleBytes === null) {
    console.log('not known  memory of an idle connection: too few open files are allowed (ulimit -n)');
    return false;
  }
  const idle = verdict(
    perIdleBytes < IDLE_BYTES_MAX,
    `memory of an idle connection: ${formatBytes(Math.round(perIdleBytes))}, target under ${formatBytes(IDLE_BYTES_MAX)}`,
  );
  return busy && idle;
}

function verdict(kept: boolean, text: string): boolean {
  console.log(`${kept ? 'kept     ' : 'MISSED   '}  ${text}`);
  return kept;
}

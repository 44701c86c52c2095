import { spreadOf, type Spread } from './spread.ts';

export type Unit = 'ms' | 'per second' | 'times' | 'percent';

/** One line of the table. The target is held against the median. */
export interface Figure {
  readonly name: string;
  readonly unit: Unit;
  readonly spread: Spread;
  readonly atMost: number | null;
  /** Part of the line above it. */
  readonly isPart: boolean;
}

export interface Section {
  readonly title: string;
  /** How it was measured, in a sentence or two. */
  readonly how: string;
  readonly figures: readonly Figure[];
}

export interface FigureOptions {
  readonly atMost?: number;
  readonly isPart?: boolean;
}

export function figure(
  name: string,
  unit: Unit,
  values: readonly number[],
  options: FigureOptions = {},
): Figure {
  const { atMost = null, isPart = false } = options;
  return { name, unit, spread: spreadOf(values), atMost, isPart };
}

export function isMissed({ atMost, spread }: Figure): boolean {
  return atMost !== null && spread.median > atMost;
}

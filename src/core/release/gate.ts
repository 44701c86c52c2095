/**
 * Gates: the steps at which a release waits - for time, for evidence, for a person - and what people said
 * about them. A person may pass a gate early; nothing else of a plan is ever skipped (R3).
 */
import type { Step } from './step.ts';

/** Somebody's word, with a name to it and a reason. */
export interface Word {
  readonly by: string;
  readonly reason: string;
}

export interface Pause extends Word {
  readonly atMs: number;
}

/** A gate that a person passed: by the approval that it asked for, or before its own condition held. */
export interface Pass extends Word {
  readonly index: number;
  readonly how: 'approved' | 'waived';
}

/** Which gates "segue promote" passes: the one under way, all before full traffic, or all to the end. */
export const EXTENTS = ['gate', 'full', 'now'] as const;
export type Extent = (typeof EXTENTS)[number];

const GATES: ReadonlySet<Step['kind']> = new Set(['preview', 'hold', 'judge', 'approve', 'bake'] as const);

export function isGate(step: Step): boolean {
  return GATES.has(step.kind);
}

/** Indexes of the gates from step `at` on that are passed to that extent. */
export function gatesWithin(steps: readonly Step[], at: number, extent: Extent): number[] {
  const full = steps.findLastIndex((step) => step.kind === 'route' || step.kind === 'share');
  const end = { gate: at + 1, full, now: steps.length }[extent];
  return steps.flatMap((step, index) => (index >= at && index < end && isGate(step) ? [index] : []));
}

export function describeWord({ by, reason }: Word): string {
  return reason === '' ? by : `${by}: ${reason}`;
}

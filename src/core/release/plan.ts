import type { Certificate } from './certificate.ts';
import type { Step } from './step.ts';

/** The ordered steps of a release: computed before anything runs, shown to people, kept in the journal. */
export interface Plan {
  readonly release: string;
  readonly service: string;
  readonly strategy: string;
  readonly from: string | null;
  readonly to: string;
  readonly steps: readonly Step[];
  /** What has a time and a gate of its own, after the release; left out: nothing. */
  readonly later?: readonly Step[];
  /** The way back from every step, computed before traffic moves. */
  readonly certificate: Certificate;
}

/** Nothing is routed to workers; every other plan moves traffic. */
export function isOfWorkers({ steps }: Pick<Plan, 'steps'>): boolean {
  return steps.every(({ kind }) => kind !== 'route');
}

import type { Certificate } from './certificate.ts';
import type { Rollout } from '../flags/rollout.ts';
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
  /** Of a flag and not of a service; left out: the other way round. */
  readonly rollout?: Rollout;
  /** The way back from every step, computed before traffic moves. */
  readonly certificate: Certificate;
}

/** Nothing is routed to workers; every other plan moves traffic. */
export function isOfWorkers({ steps }: Pick<Plan, 'steps'>): boolean {
  return steps.every(({ kind }) => kind !== 'route');
}

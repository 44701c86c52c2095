/**
 * What the guards beside the counts have gathered, as it is written down: a later control goes on with it (R5), so
 * that the false alarms of a release are spent once, however often control is started again. Moments of the clock that
 * never jumps are not in it, because they mean nothing to another process. What was under way is left out: less is
 * believed, and nothing twice.
 */
import type { MetricGathered } from './metric-guard.ts';
import type { ProbesGathered } from './probe-guard.ts';
import type { SaturationGathered } from './saturation-guard.ts';
import type { ShadowGathered } from './shadow-guard.ts';

export interface GuardRecords {
  /** Index of the step that began the stage that `stage` in them is about. */
  readonly stage: number;
  readonly metrics: Readonly<Record<string, MetricGathered>>;
  /** Null, here and below: there is no such guard. */
  readonly saturation: SaturationGathered | null;
  readonly probes: ProbesGathered | null;
  readonly shadow: ShadowGathered | null;
}

export const noGuardRecords = (stage: number): GuardRecords => ({
  ...{ stage, metrics: {} },
  ...{ saturation: null, probes: null, shadow: null },
});

/** What each guard may spend of the false alarms that the user allows a release (Bonferroni). */
import type { GuardChoices } from './guard-choices.ts';

export interface Budget {
  /** For the guards on the gateway's counts. */
  readonly requests: number;
  /** For each guard beside them that rests on evidence. */
  readonly each: number;
}

/** They are slower than the counts and see less; most of the rate is better spent on users' requests. */
const GUARDS_SHARE = 0.2;
/** Errors and latency. */
const PROBE_GUARDS = 2;
const SHADOW_GUARDS = 1;

/** `copies`: whether the release copies requests to its candidate. */
export function budgetOf(
  falseAlarms: number,
  { metrics, saturation, probes }: GuardChoices,
  copies: boolean,
): Budget {
  const compared = Object.values(metrics).filter(({ rule }) => rule.type === 'compare').length;
  const saturated = saturation
    ? [
        ...[saturation.cpu, saturation.memory, saturation.delay],
        ...[saturation.growthBytesPerHour, saturation.restarts],
      ]
    : [];
  const guards =
    compared +
    saturated.filter((each) => each !== null).length +
    (probes ? PROBE_GUARDS : 0) +
    (copies ? SHADOW_GUARDS : 0);
  if (guards === 0) return { requests: falseAlarms, each: 0 };
  return { requests: falseAlarms * (1 - GUARDS_SHARE), each: (falseAlarms * GUARDS_SHARE) / guards };
}

/** Which versions the requests of a service go to, by what was asked of the gateway. */
import type { Rotation } from './rotation.ts';

/** A part of the requests. Several versions: it is not known which of them get how much of it. */
export interface VersionShare {
  readonly versions: readonly string[];
  readonly percent: number;
}

/**
 * Empty: no request is answered. Instances that share alike have as much each; how many requests a rule matches is not
 * known before they come, so what the weights leave may go to either side.
 */
export function versionShares(
  { instances, split }: Rotation,
  versionOf: (instance: string) => string | undefined,
): VersionShare[] {
  const versionsOf = (ids: readonly string[]) => ids.flatMap((id) => versionOf(id) ?? []);
  const stable = versionsOf(instances);
  const candidate = versionsOf(split?.candidate.instances ?? []);
  const baseline = versionsOf(split?.baseline.instances ?? []);
  const given = candidate.length > 0 ? (split?.candidate.percent ?? 0) : 0;
  const beside = baseline.length > 0 ? (split?.baseline.percent ?? 0) : 0;
  const left = stable.length > 0 ? 100 - given - beside : 0;
  const rest =
    split && split.rules.length > 0 && left > 0
      ? [{ versions: [...new Set([...stable, ...candidate])], percent: left }]
      : shared(stable, left);
  const parts = [...shared(candidate, given), ...shared(baseline, beside), ...rest];
  return parts.filter(({ percent }) => percent > 0);
}

function shared(versions: readonly string[], percent: number): VersionShare[] {
  const counts = new Map<string, number>();
  for (const version of versions) counts.set(version, (counts.get(version) ?? 0) + 1);
  return [...counts].map(([version, count]) => ({
    versions: [version],
    percent: (percent * count) / versions.length,
  }));
}

/** Of workers: each job may meet any of them. */
export function workerShares(versions: readonly string[]): VersionShare[] {
  return versions.length > 0 ? [{ versions: [...new Set(versions)], percent: 100 }] : [];
}

/** The whole percents that surely go to these versions. */
export function percentOf(shares: readonly VersionShare[], versions: readonly string[]): number {
  const sure = shares.filter((share) => share.versions.every((version) => versions.includes(version)));
  // Thirds add up to a little less than they are.
  return Math.floor(sure.reduce((sum, { percent }) => sum + percent, 0) + 1e-6);
}

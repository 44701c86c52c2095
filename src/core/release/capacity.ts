/** How many of `whole` instances it takes for this percent of the requests that all of them are there for. */
export function instancesFor(percent: number, whole: number): number {
  return Math.max(1, Math.ceil((whole * percent) / 100));
}

/** The percent that so many of `whole` instances can take, rounded down. */
export function percentBorneBy(instances: number, whole: number): number {
  return Math.min(100, Math.floor((100 * instances) / Math.max(1, whole)));
}

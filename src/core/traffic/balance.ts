/**
 * The candidate with the least load; among equals the first one from `turn` on, so that ties rotate when the
 * caller counts `turn` up.
 */
export function leastLoaded<T>(
  candidates: readonly T[],
  loadOf: (candidate: T) => number,
  turn: number,
): T | undefined {
  const size = candidates.length;
  let best: T | undefined;
  let bestLoad = Infinity;
  for (let i = 0; i < size; i += 1) {
    const candidate = candidates[(turn + i) % size];
    if (candidate === undefined) continue;
    const load = loadOf(candidate);
    if (load >= bestLoad) continue;
    best = candidate;
    bestLoad = load;
    if (load === 0) break;
  }
  return best;
}

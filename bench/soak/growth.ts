/** Whether something grows: the median of the slopes between all pairs of points (Theil-Sen), which outliers do not move. */
export interface Point {
  readonly atMs: number;
  readonly value: number;
}

const MINUTE_MS = 60_000;

/** Per minute; null with too few points to say. */
export function growthPerMinute(points: readonly Point[]): number | null {
  if (points.length < 3) return null;
  const slopes = points.flatMap((from, at) =>
    points
      .slice(at + 1)
      .filter(({ atMs }) => atMs > from.atMs)
      .map((to) => ((to.value - from.value) / (to.atMs - from.atMs)) * MINUTE_MS),
  );
  const sorted = slopes.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}

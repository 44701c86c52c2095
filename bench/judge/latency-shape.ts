/** How long requests take: log-logistic, which has the long tail of real services and its shares in closed form. */
export interface LatencyShape {
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** The share of requests that take longer than `ms`, when everything takes `slowness` times as long. */
export function shareAbove(shape: LatencyShape, ms: number, slowness: number): number {
  return 1 / (1 + (ms / (shape.medianMs * slowness)) ** steepness(shape));
}

/** The duration that this share of requests exceeds. */
export function durationAt(shape: LatencyShape, share: number, slowness: number): number {
  return shape.medianMs * slowness * ((1 - share) / share) ** (1 / steepness(shape));
}

const steepness = ({ medianMs, p99Ms }: LatencyShape) => Math.log(99) / Math.log(p99Ms / medianMs);

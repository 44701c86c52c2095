/**
 * Counts of one instance (T5): every request is in exactly one of answered, failed, abandoned or - when another
 * instance got it - retried. The only way to count is a `Ticket`, and a ticket ends once.
 */
import type { InstanceCounts } from '../core/traffic/counts.ts';
import { bucketOf, HISTOGRAM_BUCKETS } from '../core/traffic/histogram.ts';
import { monotonicMs, nowMs } from './clock.ts';

export type Ending =
  | { readonly type: 'answered'; readonly status: number }
  | { readonly type: 'failed' }
  | { readonly type: 'abandoned' }
  | { readonly type: 'retried' };

export class Tally {
  #inFlight = 0;
  #streams = 0;
  #requests = 0;
  readonly #answered: [number, number, number, number] = [0, 0, 0, 0];
  #failed = 0;
  #abandoned = 0;
  #retried = 0;
  #lastRequestAtMs = 0;
  #longestMs = 0;
  readonly #latency = new Uint32Array(HISTOGRAM_BUCKETS);
  readonly #onIdle: () => void;

  /** `onIdle` is called whenever nothing is under way any more. */
  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get idle(): boolean {
    return this.#inFlight + this.#streams === 0;
  }

  begin(atMs: number = monotonicMs()): Ticket {
    this.#inFlight += 1;
    this.#requests += 1;
    this.#lastRequestAtMs = nowMs();
    return new Ticket(this, atMs);
  }

  /** For tickets. */
  becameStream(durationMs: number): void {
    this.#inFlight -= 1;
    this.#streams += 1;
    this.#measure(durationMs);
  }

  /** For tickets. */
  streamEnded(): void {
    this.#streams -= 1;
    if (this.idle) this.#onIdle();
  }

  /** For tickets. Without a duration when there was no response to measure. */
  requestEnded(durationMs: number | undefined): void {
    this.#inFlight -= 1;
    if (durationMs !== undefined) this.#measure(durationMs);
    if (this.idle) this.#onIdle();
  }

  /** For tickets. */
  countAnswered(status: number): void {
    const index = Math.min(5, Math.max(2, Math.floor(status / 100))) - 2;
    this.#answered[index] = (this.#answered[index] ?? 0) + 1;
  }

  /** For tickets. */
  count(ending: Ending): void {
    switch (ending.type) {
      case 'answered':
        this.countAnswered(ending.status);
        break;
      case 'failed':
        this.#failed += 1;
        break;
      case 'abandoned':
        this.#abandoned += 1;
        break;
      case 'retried':
        this.#retried += 1;
        this.#requests -= 1;
        break;
    }
  }

  counts(of: Pick<InstanceCounts, 'service' | 'instance' | 'version'>): InstanceCounts {
    return {
      ...of,
      inFlight: this.#inFlight,
      streams: this.#streams,
      requests: this.#requests,
      answered: [...this.#answered],
      failed: this.#failed,
      abandoned: this.#abandoned,
      retried: this.#retried,
      lastRequestAtMs: this.#lastRequestAtMs,
      longestMs: this.#longestMs,
      latency: this.#latencyPairs(),
    };
  }

  forgetLongest(): void {
    this.#longestMs = 0;
  }

  #measure(durationMs: number): void {
    if (durationMs > this.#longestMs) this.#longestMs = durationMs;
    const bucket = bucketOf(durationMs);
    this.#latency[bucket] = (this.#latency[bucket] ?? 0) + 1;
  }

  #latencyPairs(): number[] {
    const pairs: number[] = [];
    for (let bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket += 1) {
      const count = this.#latency[bucket] ?? 0;
      if (count > 0) pairs.push(bucket, count);
    }
    return pairs;
  }
}

/** One request at one instance. */
export class Ticket {
  readonly beganMs: number;
  readonly #tally: Tally;
  #state: 'request' | 'stream' | 'upgraded' | 'ended' = 'request';

  constructor(tally: Tally, beganMs: number) {
    this.#tally = tally;
    this.beganMs = beganMs;
  }

  /** The response does not end by itself: apart from requests from now on, and measured up to here. */
  becomeStream(): void {
    if (this.#state !== 'request') return;
    this.#state = 'stream';
    this.#tally.becameStream(monotonicMs() - this.beganMs);
  }

  /** The same for an upgrade, whose outcome is known when it begins. */
  becomeUpgraded(): void {
    if (this.#state !== 'request') return;
    this.becomeStream();
    this.#state = 'upgraded';
    this.#tally.countAnswered(200);
  }

  /** What `end` does for a response, without a look at the clock. */
  answered(status: number, atMs: number): void {
    if (this.#state !== 'request') return this.end({ type: 'answered', status });
    this.#state = 'ended';
    this.#tally.countAnswered(status);
    this.#tally.requestEnded(atMs - this.beganMs);
  }

  /** The first ending counts; later ones say nothing new. */
  end(ending: Ending): void {
    const was = this.#state;
    if (was === 'ended') return;
    this.#state = 'ended';
    if (was !== 'upgraded') this.#tally.count(ending);
    if (was !== 'request') this.#tally.streamEnded();
    else this.#tally.requestEnded(ending.type === 'answered' ? monotonicMs() - this.beganMs : undefined);
  }
}

/**
 * Counts of one instance (T5): every request is in exactly one of answered, failed, abandoned or - when another
 * instance got it - retried. The only way to count is a `Ticket`, and a ticket ends once.
 */
import type { SharedOutcome } from '../core/flags/edge.ts';
import type { FailureKind, InstanceCounts } from '../core/traffic/counts.ts';
import { bucketOf } from '../core/traffic/histogram.ts';
import type { BodyDigest } from './body-digest.ts';
import { monotonicMs, nowMs } from './clock.ts';
import type { Era } from './eras.ts';
import { OutcomeCounter } from './outcome-counter.ts';
import type { AssignedRow, FlagRow } from './service-tally.ts';
import type { ShadowPair } from './shadow-pair.ts';

export type Ending =
  | { readonly type: 'answered'; readonly status: number }
  | { readonly type: 'failed'; readonly kind: FailureKind }
  | { readonly type: 'abandoned' }
  | { readonly type: 'retried' };

export class Tally {
  readonly instance: string;
  #inFlight = 0;
  #streams = 0;
  #requests = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  /** Of the clock that never jumps; what other processes compare is made of it when it is asked for. */
  #lastBeganMs = -1;
  #lastSaid = { beganMs: -1, atMs: 0 };
  #longestMs = 0;
  readonly #outcomes = new OutcomeCounter();
  readonly #onIdle: () => void;
  /** Called when a request or a stream has ended. */
  whenEnded: (() => void) | null = null;

  /** `onIdle` is called whenever nothing is under way any more. */
  constructor(instance: string, onIdle: () => void) {
    this.instance = instance;
    this.#onIdle = onIdle;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get idle(): boolean {
    return this.#inFlight + this.#streams === 0;
  }

  /** Something was counted since `told`. */
  get changed(): boolean {
    return this.#outcomes.changed;
  }

  /** `era` and `row`: what it is counted under beside its instance, its routing (T1) and its weight. */
  begin(era: Era, row: AssignedRow, atMs: number = monotonicMs()): Ticket {
    this.#inFlight += 1;
    this.#requests += 1;
    this.#lastBeganMs = atMs;
    this.#outcomes.changed = true;
    return new Ticket(this, era, row, atMs);
  }

  /** For tickets. */
  becameStream(): void {
    this.#inFlight -= 1;
    this.#streams += 1;
    this.whenEnded?.();
  }

  /** For tickets. */
  requestEnded(): void {
    this.#inFlight -= 1;
    this.whenEnded?.();
    if (this.idle) this.#onIdle();
  }

  /** For tickets. */
  streamEnded(): void {
    this.#streams -= 1;
    this.#outcomes.changed = true;
    this.whenEnded?.();
    if (this.idle) this.#onIdle();
  }

  /** For tickets. */
  answered(status: number): void {
    this.#outcomes.answered(status);
  }

  /** For tickets. */
  count(type: 'failed' | 'abandoned' | 'retried'): void {
    this.#outcomes.count(type);
    if (type === 'retried') this.#requests -= 1;
  }

  /** For tickets. */
  measure(bucket: number, durationMs: number): void {
    if (durationMs > this.#longestMs) this.#longestMs = durationMs;
    this.#outcomes.measure(bucket, durationMs);
  }

  /** For tickets. */
  passed(bytesIn: number, bytesOut: number): void {
    this.#bytesIn += bytesIn;
    this.#bytesOut += bytesOut;
    this.#outcomes.changed = true;
  }

  /** Something of the instance that is reported with the counts has changed. */
  touch(): void {
    this.#outcomes.changed = true;
  }

  counts(of: Pick<InstanceCounts, 'service' | 'version' | 'ejected' | 'ejections'>): InstanceCounts {
    return {
      ...of,
      ...this.#outcomes.outcomes(),
      instance: this.instance,
      inFlight: this.#inFlight,
      streams: this.#streams,
      requests: this.#requests,
      lastRequestAtMs: this.#lastRequestAtMs(),
      longestMs: this.#longestMs,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
    };
  }

  /** All of it is in a report. */
  told(): void {
    this.#outcomes.changed = false;
    this.#longestMs = 0;
  }

  /** Said once, it stays the same, though the wall clock may jump. */
  #lastRequestAtMs(): number {
    const beganMs = this.#lastBeganMs;
    if (beganMs !== this.#lastSaid.beganMs) {
      this.#lastSaid = { beganMs, atMs: Math.round(nowMs() - (monotonicMs() - beganMs)) };
    }
    return this.#lastSaid.atMs;
  }
}

/** One request at one instance. */
export class Ticket {
  readonly beganMs: number;
  readonly era: Era;
  readonly row: AssignedRow;
  /** Hash of the session, for whoever looks at its failures. */
  session: string | null = null;
  /** It is compared with a copy; null: there is none. */
  pair: ShadowPair | null = null;
  /** Variants of flags that it got here; null: none. */
  flags: readonly FlagRow[] | null = null;
  /** What of them is being rolled out; null: nothing. */
  shared: SharedOutcome | null = null;
  bytesIn = 0;
  bytesOut = 0;
  readonly #tally: Tally;
  #state: 'request' | 'stream' | 'upgraded' | 'ended' = 'request';

  constructor(tally: Tally, era: Era, row: AssignedRow, beganMs: number) {
    this.#tally = tally;
    this.era = era;
    this.row = row;
    this.beganMs = beganMs;
    era.requests += 1;
  }

  /** The response does not end by itself: apart from requests from now on, and measured up to its head. */
  becomeStream(atMs: number = monotonicMs()): void {
    if (this.#state !== 'request') return;
    this.#state = 'stream';
    if (this.pair !== null) this.pair.forget();
    this.era.requests -= 1;
    this.era.streams += 1;
    this.#tally.becameStream();
    this.#measure(atMs - this.beganMs);
  }

  /** The same for an upgrade, whose outcome is known when it begins. */
  becomeUpgraded(): void {
    if (this.#state !== 'request') return;
    this.becomeStream();
    this.#state = 'upgraded';
    this.#countAnswered(200);
  }

  /** Bytes to the instance, and bytes from it on their way to the client. */
  passed(bytesIn: number, bytesOut: number): void {
    this.bytesIn += bytesIn;
    this.bytesOut += bytesOut;
    this.#tally.passed(bytesIn, bytesOut);
  }

  get instance(): string {
    return this.#tally.instance;
  }

  /** Takes the data of its response; null: nobody compares it. */
  get digest(): BodyDigest | null {
    return this.pair === null ? null : (this.pair.digests?.original ?? null);
  }

  /** What `end` does for a response, without a look at the clock. */
  answered(status: number, atMs: number): void {
    if (this.#state !== 'request') return this.end({ type: 'answered', status });
    this.#state = 'ended';
    this.era.requests -= 1;
    this.#countAnswered(status);
    this.#measure(atMs - this.beganMs);
    if (this.pair !== null) this.pair.ended('original', status, atMs - this.beganMs);
    this.#tally.requestEnded();
  }

  /** The first ending counts; later ones say nothing new. */
  end(ending: Ending): void {
    const was = this.#state;
    if (was === 'ended') return;
    if (was === 'request' && ending.type === 'answered') return this.answered(ending.status, monotonicMs());
    this.#state = 'ended';
    if (was !== 'upgraded') this.#count(ending);
    if (this.pair !== null) this.#tellPair(this.pair, ending);
    if (was === 'request') {
      this.era.requests -= 1;
      this.#tally.requestEnded();
    } else {
      this.era.streams -= 1;
      this.#tally.streamEnded();
    }
  }

  #count(ending: Ending): void {
    if (ending.type === 'answered') return this.#countAnswered(ending.status);
    this.#tally.count(ending.type);
    this.row.count(ending.type);
    if (this.flags !== null) for (const row of this.flags) row.count(ending.type);
    if (ending.type === 'failed') this.#failed(ending.kind, null);
  }

  #tellPair(pair: ShadowPair, { type }: Ending): void {
    if (type === 'failed') pair.ended('original', null, monotonicMs() - this.beganMs);
    else if (type === 'abandoned') pair.forget();
  }

  #countAnswered(status: number): void {
    this.#tally.answered(status);
    this.row.answered(status);
    if (this.flags !== null) for (const row of this.flags) row.answered(status);
    if (status >= 500) this.#failed('status', status);
  }

  #measure(durationMs: number): void {
    const bucket = bucketOf(durationMs);
    this.#tally.measure(bucket, durationMs);
    this.row.measure(bucket, durationMs);
    if (this.flags !== null) for (const row of this.flags) row.measure(bucket, durationMs);
  }

  #failed(kind: FailureKind, status: number | null): void {
    const { session, era, shared } = this;
    const of = { instance: this.#tally.instance, routing: era.routing, session };
    this.row.failure(shared === null ? of : { ...of, shared }, kind, status);
  }
}

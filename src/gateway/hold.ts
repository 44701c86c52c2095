/**
 * Requests that wait for an instance, in order of their first wait (T7). Of their bodies little is read meanwhile.
 * While somebody waits, one goes ahead now and then to find out whether an instance answers again.
 */
import { limits } from '../core/limits.ts';
import type { Call } from './call.ts';
import { monotonicMs, timer } from './clock.ts';

export type Waited = 'released' | 'expired' | 'full' | 'left';

export interface HoldLimit {
  readonly forMs: number;
  readonly requestsMax: number;
}

/** All services together. */
export class HoldSpace {
  #requests = 0;
  #bytes = 0;

  /** As much as it may come to keep: while it waits nobody looks again. */
  take(bytes: number): boolean {
    const { heldRequestsMax, heldBytesMax } = limits.gateway;
    if (this.#requests >= heldRequestsMax || this.#bytes + bytes > heldBytesMax) return false;
    this.#requests += 1;
    this.#bytes += bytes;
    return true;
  }

  free(bytes: number): void {
    this.#requests -= 1;
    this.#bytes -= bytes;
  }
}

interface Waiter {
  readonly since: number;
  readonly call: Call;
  readonly end: (waited: Waited) => void;
}

export class Hold {
  readonly #space: HoldSpace;
  readonly #order = new WeakMap<Call, number>();
  readonly #queue: Waiter[] = [];
  /** When those were let go that may not have reached their instance yet. */
  readonly #ahead: number[] = [];
  readonly #again: () => void;
  /** The others may follow, and nobody who was let go has come back. */
  #goesOn = false;
  #nextOrder = 0;
  #scouting: NodeJS.Timeout | undefined;
  #heldTotal = 0;

  /** `again`: called now and then while more wait than could be let go at once. */
  constructor(space: HoldSpace, again: () => void) {
    this.#space = space;
    this.#again = again;
  }

  get waiting(): number {
    return this.#queue.length;
  }

  get heldTotal(): number {
    return this.#heldTotal;
  }

  wait(call: Call, { forMs, requestsMax }: HoldLimit): Promise<Waited> {
    call.holdUntilMs ??= monotonicMs() + forMs;
    const leftMs = Math.min(call.holdUntilMs, call.deadlineMs) - monotonicMs();
    if (call.left) return Promise.resolve('left');
    if (leftMs <= 0) return Promise.resolve('expired');
    const bytes = call.keptBytesMax;
    if (this.#queue.length >= requestsMax || !this.#space.take(bytes)) return Promise.resolve('full');
    return new Promise((resolve) => {
      const waiter: Waiter = {
        since: this.#orderOf(call),
        call,
        end: (waited) => {
          clearTimeout(expiry);
          call.whenLeft = undefined;
          this.#space.free(bytes);
          this.#queue.splice(this.#queue.indexOf(waiter), 1);
          if (this.#queue.length === 0) this.#stopScouting();
          resolve(waited);
        },
      };
      const expiry = timer(() => waiter.end('expired'), leftMs);
      call.whenLeft = () => waiter.end('left');
      this.#insert(waiter);
      this.#scouting ??= setInterval(() => this.#scout(), limits.gateway.holdRetryIntervalMs);
    });
  }

  /** So many may be on their way to that many instances. */
  roomAt(instances: number): number {
    const { holdAheadMax, holdAheadMs } = limits.gateway;
    const sinceMs = monotonicMs() - holdAheadMs;
    while ((this.#ahead[0] ?? Infinity) <= sinceMs) this.#ahead.shift();
    return Math.max(0, instances * holdAheadMax - this.#ahead.length);
  }

  /** An instance has answered: it takes requests. */
  answeredOne(): void {
    this.#ahead.shift();
  }

  /** There is room for so many of those whom it helps. */
  release(count: number, helps: (call: Call) => boolean = () => true): void {
    const chosen: Waiter[] = [];
    for (const waiter of this.#queue) {
      if (chosen.length >= count) break;
      if (helps(waiter.call)) chosen.push(waiter);
    }
    const nowMs = monotonicMs();
    for (const waiter of chosen) {
      this.#ahead.push(nowMs);
      waiter.end('released');
    }
    this.#goesOn = this.#queue.length > 0;
  }

  /** The service is gone, or the gateway stops. */
  endAll(): void {
    for (const waiter of [...this.#queue]) waiter.end('expired');
  }

  /** A request that has to wait again goes back to where it was. */
  #orderOf(call: Call): number {
    const known = this.#order.get(call);
    if (known !== undefined) {
      this.#goesOn = false;
      return known;
    }
    const order = this.#nextOrder;
    this.#nextOrder += 1;
    this.#heldTotal += 1;
    this.#order.set(call, order);
    return order;
  }

  #insert(waiter: Waiter): void {
    // New ones belong to the end, those that come back near the front.
    const last = this.#queue.at(-1);
    if (last === undefined || last.since < waiter.since) this.#queue.push(waiter);
    else
      this.#queue.splice(
        this.#queue.findIndex(({ since }) => since > waiter.since),
        0,
        waiter,
      );
  }

  #scout(): void {
    this.#queue[0]?.end('released');
    if (this.#goesOn) this.#again();
  }

  #stopScouting(): void {
    clearInterval(this.#scouting);
    this.#scouting = undefined;
  }
}

/**
 * Whether a request may go to an instance now: it is not put out for failing, and it has no more than it may. A
 * service without bounds whose instances are well costs one branch per request.
 */
import { Ejection } from '../core/traffic/ejection.ts';
import type { Policy } from '../core/traffic/policy.ts';
import { monotonicMs } from './clock.ts';
import type { Tally, Ticket } from './tally.ts';
import type { Pool } from './upstream.ts';

/** What it guards. */
export interface Guarded {
  readonly version: string;
  readonly tally: Tally;
  readonly pool: Pool;
}

/** Of all instances of a service. */
export interface GateRules {
  readonly policy: Policy;
  /** The part of the bounds that is this process's. */
  readonly share: number;
  /** There is room for one more. */
  readonly onFreed: () => void;
  readonly onAnswered: () => void;
  /** It fails too often: are there others to serve? */
  readonly mayEject: (instance: Guarded) => boolean;
}

export class Gate {
  readonly #of: Guarded;
  readonly #ejection = new Ejection(null);
  #requestsMax = Infinity;
  #connectionsMax = Infinity;
  /** There is something to look at. */
  #guards = false;
  #wasOut = false;
  #probe: Ticket | null = null;
  #mayEject: GateRules['mayEject'] = () => false;
  #onAnswered: GateRules['onAnswered'] = () => undefined;

  constructor(of: Guarded) {
    this.#of = of;
  }

  configure({ policy, share, onFreed, onAnswered, mayEject }: GateRules): void {
    const { requestsMax, connectionsMax } = policy.instance;
    this.#requestsMax = partOf(requestsMax, share);
    this.#connectionsMax = partOf(connectionsMax, share);
    const bounded = this.#isBounded;
    this.#of.tally.whenEnded = bounded ? onFreed : null;
    this.#of.pool.whenFreed = bounded ? onFreed : null;
    this.#ejection.policy = policy.ejection;
    this.#mayEject = mayEject;
    this.#onAnswered = onAnswered;
    this.#look();
  }

  get isOpen(): boolean {
    return !this.#guards || (this.room > 0 && !this.#isShut);
  }

  /** It is put out, though nobody else may be there to serve. */
  get isOut(): boolean {
    return this.#ejection.standing !== 'in';
  }

  get ejections(): number {
    return this.#ejection.ejections;
  }

  /** How many more requests it may have, were it not put out. */
  get room(): number {
    if (!this.#isBounded) return Infinity;
    const { tally, pool } = this.#of;
    return Math.max(0, Math.min(this.#requestsMax - tally.inFlight, this.#connectionsMax - pool.inUse));
  }

  began(ticket: Ticket): void {
    if (!this.#guards || !this.#ejection.mayProbe(ticket.beganMs)) return;
    this.#ejection.probe();
    this.#probe = ticket;
  }

  answered(ticket: Ticket, status: number, nowMs: number): void {
    this.#onAnswered();
    // 501 is about the request.
    if (status >= 500 && status !== 501) return this.failed(ticket, nowMs);
    this.#ejection.succeeded(ticket === this.#probe, nowMs);
    if (ticket === this.#probe) this.#probed();
  }

  failed(ticket: Ticket, nowMs: number): void {
    const failsTooOften = this.#ejection.failed(ticket === this.#probe, nowMs);
    if (ticket === this.#probe) this.#probed();
    if (!failsTooOften || !this.#mayEject(this.#of)) return;
    this.#ejection.eject(nowMs);
    this.#look();
  }

  /** It ended without a word on the instance. */
  undecided(ticket: Ticket): void {
    if (ticket !== this.#probe) return;
    this.#ejection.undecided();
    this.#probed();
  }

  /** What it did before no longer counts. */
  forget(): void {
    this.#ejection.forget();
    this.#probed();
  }

  get #isBounded(): boolean {
    return this.#requestsMax !== Infinity || this.#connectionsMax !== Infinity;
  }

  get #isShut(): boolean {
    return this.#ejection.standing !== 'in' && !this.#ejection.mayProbe(monotonicMs());
  }

  #probed(): void {
    this.#probe = null;
    this.#look();
  }

  #look(): void {
    if (this.isOut !== this.#wasOut) this.#of.tally.touch();
    this.#wasOut = this.isOut;
    this.#guards = this.#isBounded || this.#wasOut;
  }
}

const partOf = (whole: number | null, share: number): number =>
  whole === null ? Infinity : Math.max(1, Math.floor(whole * share));

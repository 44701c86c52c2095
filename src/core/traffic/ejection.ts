/**
 * Whether an instance that fails requests still gets some: in, out for a while, then one request that finds out
 * whether it is back. Only what happened to its own requests counts; who else is left to serve is the caller's
 * question (`mayEject`). Successes cost an addition: times are only looked at when something failed.
 */
import { limits } from '../limits.ts';
import type { EjectionPolicy } from './policy.ts';

export type Standing =
  | 'in'
  /** No requests before its time has passed. */
  | 'out'
  /** One request is on its way to find out. */
  | 'probing';

export class Ejection {
  #policy: EjectionPolicy | null;
  #standing: Standing = 'in';
  #inARow = 0;
  /** Of a window that began with a failure. */
  #requests = 0;
  #failures = 0;
  #windowFromMs = -Infinity;
  #untilMs = 0;
  /** How often it was put out without a long good time in between. */
  #level = 0;
  #backMs = -Infinity;
  #ejections = 0;

  constructor(policy: EjectionPolicy | null) {
    this.#policy = policy;
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** All time. */
  get ejections(): number {
    return this.#ejections;
  }

  /** Null takes it back in. */
  set policy(policy: EjectionPolicy | null) {
    this.#policy = policy;
    if (policy === null) this.forget();
  }

  /** It is in, and what it did before counts no more. */
  forget(): void {
    this.#standing = 'in';
    this.#inARow = 0;
    this.#windowFromMs = -Infinity;
  }

  /** It is out, and its time has passed. */
  mayProbe(nowMs: number): boolean {
    return this.#standing === 'out' && nowMs >= this.#untilMs;
  }

  probe(): void {
    this.#standing = 'probing';
  }

  succeeded(probe: boolean, nowMs: number): void {
    this.#requests += 1;
    this.#inARow = 0;
    if (!probe) return;
    this.#backMs = nowMs;
    this.forget();
  }

  /** The probe told nothing: its client left. The next request may be one. */
  undecided(): void {
    if (this.#standing === 'probing') this.#standing = 'out';
  }

  /** True: it should be put out, if others can serve. */
  failed(probe: boolean, nowMs: number): boolean {
    if (this.#policy === null) return false;
    this.#count(nowMs);
    if (probe) this.eject(nowMs);
    return this.#standing === 'in' && this.#failsTooOften(this.#policy);
  }

  eject(nowMs: number): void {
    if (this.#policy === null) return;
    const { ejectionForgetMs, ejectionDoublingsMax } = limits.gateway;
    if (this.#standing === 'in' && nowMs - this.#backMs >= ejectionForgetMs) this.#level = 0;
    this.#untilMs = nowMs + this.#policy.forMs * 2 ** this.#level;
    this.#level = Math.min(this.#level + 1, ejectionDoublingsMax);
    this.#standing = 'out';
    this.#ejections += 1;
  }

  #count(nowMs: number): void {
    if (nowMs - this.#windowFromMs >= limits.gateway.ejectionWindowMs) {
      this.#windowFromMs = nowMs;
      this.#requests = 0;
      this.#failures = 0;
    }
    this.#requests += 1;
    this.#failures += 1;
    this.#inARow += 1;
  }

  #failsTooOften(policy: EjectionPolicy): boolean {
    const { ejectionRequestsMin, ejectionFailuresPercent } = limits.gateway;
    if (this.#inARow >= policy.failures) return true;
    const share = (100 * this.#failures) / this.#requests;
    return this.#requests >= ejectionRequestsMin && share >= ejectionFailuresPercent;
  }
}

/** Never the last one, and never more than a share of those that take each other's place. */
export function mayEject(peers: number, out: number): boolean {
  const outMax = Math.floor((peers * limits.gateway.ejectedPercentMax) / 100);
  return out + 1 < peers && out + 1 <= outMax;
}

/** Who may ask by OFREP, and how much. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { namesFlag, type OfrepChoice } from '../../core/flags/choices.ts';
import { RateLimit } from '../../core/flags/rate-limit.ts';
import { hashOf } from '../secrets.ts';

const DAY_MS = 86_400_000;

/** One who asks. */
export class OfrepClient {
  /** What is written down of it: nothing that could be used. */
  readonly name: string;
  readonly #key: string;
  readonly #flags: readonly string[];
  readonly #rate: RateLimit;

  constructor(key: string, flags: readonly string[], rate: RateLimit) {
    this.#key = key;
    this.#flags = flags;
    this.#rate = rate;
    this.name = `key ${hashOf(key).slice(0, 8)}`;
  }

  mayAsk(flag: string): boolean {
    return namesFlag(this.#flags, flag);
  }

  /** Seconds to wait; 0: none. */
  wait(nowMs: number): number {
    return this.#rate.take(nowMs);
  }

  has(key: string): boolean {
    return sameText(key, this.#key);
  }

  /** For addresses of event streams, where browsers send no headers. The same all day, good until the next one ends. */
  streamToken(nowMs: number): string {
    return this.#tokenOf(Math.floor(nowMs / DAY_MS));
  }

  hasToken(token: string, nowMs: number): boolean {
    const day = Math.floor(nowMs / DAY_MS);
    return [day, day - 1].some((one) => sameText(token, this.#tokenOf(one)));
  }

  #tokenOf(day: number): string {
    return createHmac('sha256', this.#key).update(`flag stream ${day}`).digest('base64url');
  }
}

/** Texts of other lengths are other texts; those of the same are compared in the same time. */
function sameText(a: string, b: string): boolean {
  const [one, other] = [hashOf(a), hashOf(b)];
  return timingSafeEqual(Buffer.from(one), Buffer.from(other));
}

export function clientsOf(keys: OfrepChoice['keys'], rate: number, nowMs: number): readonly OfrepClient[] {
  return keys.map(({ key, flags }) => new OfrepClient(key, flags, new RateLimit(rate, nowMs)));
}

/** Null: the request has no key. */
export function keyOf(headers: IncomingHttpHeaders): string | null {
  const own = headers['x-api-key'];
  if (typeof own === 'string') return own;
  const [, bearer] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
  return bearer ?? null;
}

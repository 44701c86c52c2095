/**
 * How the candidate's newest requests ended: not evidence, but what a candidate that is known to be worse is like by
 * now. One that fails most of them is broken, however well it did before (docs/adr/0004).
 */
import { limits } from '../limits.ts';
import type { Rate } from './rate.ts';

interface Sample extends Rate {
  readonly atMs: number;
}

/** Of what it was given it fails so much that nobody is better off with it. */
const BROKEN_FROM = 0.5;
const BAD_MIN = 2;

export class Recent {
  #samples: Sample[] = [];

  /** `atMs`: monotonic. */
  add(atMs: number, { bad, requests }: Rate): void {
    if (requests > 0) this.#samples.push({ atMs, bad, requests });
    this.#samples = this.#samples.filter((sample) => atMs - sample.atMs <= limits.judge.recentMs);
  }

  /** All requests count, those of one session, too: this is what happens to users, not what is known of a rate. */
  get rate(): Rate {
    const sum = (of: (sample: Sample) => number) =>
      this.#samples.reduce((all, sample) => all + of(sample), 0);
    return { bad: sum((sample) => sample.bad), requests: sum((sample) => sample.requests) };
  }

  get isBroken(): boolean {
    const { bad, requests } = this.rate;
    return bad >= BAD_MIN && bad >= BROKEN_FROM * requests;
  }
}

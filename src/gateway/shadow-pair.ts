/**
 * A request and its copy at the candidate, compared once both have ended. The original never waits: whichever ends
 * first leaves here what is known of it. One whose end says nothing, such as a client that left or a stream, makes
 * no pair.
 */
import { BodyDigest } from './body-digest.ts';
import type { PairHalf, ShadowTally } from './shadow-tally.ts';

type Side = 'original' | 'copy';

export class ShadowPair {
  readonly #tally: ShadowTally;
  readonly #ended: { original: PairHalf | null; copy: PairHalf | null } = { original: null, copy: null };
  #isOver = false;
  /** Of their bodies; null: those are not compared. */
  readonly digests: Readonly<Record<Side, BodyDigest>> | null;

  constructor(tally: ShadowTally, bodies: boolean) {
    this.#tally = tally;
    this.digests = bodies ? { original: new BodyDigest(), copy: new BodyDigest() } : null;
  }

  /** Its client has had its whole answer, or something like that. */
  get originalEnded(): boolean {
    return this.#ended.original !== null;
  }

  /** `status` null: no response, or half of one. */
  ended(side: Side, status: number | null, durationMs: number): void {
    if (this.#isOver || this.#ended[side] !== null) return;
    const digest = status === null ? null : (this.digests?.[side].text() ?? null);
    this.#ended[side] = { status, durationMs, digest };
    const { original, copy } = this.#ended;
    if (original === null || copy === null) return;
    this.#isOver = true;
    this.#tally.compared(original, copy);
  }

  /** There is nothing to compare. */
  forget(): void {
    this.#isOver = true;
  }
}

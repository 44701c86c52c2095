import { SegueError } from '../core/errors.ts';

/** A limit on what goes on for long. */
export class Seats {
  readonly #max: number;
  #taken = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** Gives the function that frees the seat. Throws when none is left. */
  take(): () => void {
    if (this.#taken >= this.#max) throw new SegueError('BAD_REQUEST', `${this.#max} follow already.`);
    this.#taken += 1;
    return () => (this.#taken -= 1);
  }
}

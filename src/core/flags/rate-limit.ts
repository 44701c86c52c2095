/** So many requests in a second, with as many saved up. */
export class RateLimit {
  readonly #perSecond: number;
  #room: number;
  #atMs: number;

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.#room = perSecond;
    this.#atMs = nowMs;
  }

  /** 0: it may go on; else the seconds after which it may. */
  take(nowMs: number): number {
    this.#room = Math.min(this.#perSecond, this.#room + ((nowMs - this.#atMs) * this.#perSecond) / 1000);
    this.#atMs = nowMs;
    if (this.#room >= 1) {
      this.#room -= 1;
      return 0;
    }
    return Math.max(1, Math.ceil((1 - this.#room) / this.#perSecond));
  }
}

/** A body as it passes, kept within its bound until it is whole; in one piece, however small its parts are. */
export class BodyCopy {
  readonly #bytes: Buffer;
  readonly #act: (copy: Buffer | undefined) => void;
  #length = 0;
  #over = false;

  /** `act` is called once: with all of it, or with nothing as soon as it is too long. */
  constructor(bytesMax: number, act: (copy: Buffer | undefined) => void) {
    this.#bytes = Buffer.allocUnsafe(bytesMax);
    this.#act = act;
  }

  /** Whoever owns the part may write over it afterwards. */
  add(part: Buffer, last: boolean): void {
    if (this.#over) return;
    const fits = this.#length + part.length <= this.#bytes.length;
    if (fits) this.#length += part.copy(this.#bytes, this.#length);
    this.#over = last || !fits;
    if (this.#over) this.#act(fits ? this.#bytes.subarray(0, this.#length) : undefined);
  }
}

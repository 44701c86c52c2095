/** What a body's data comes to, whatever chunks it came in. It says whether two are the same, not who wrote them. */
import { createHash } from 'node:crypto';

export class BodyDigest {
  readonly #hash = createHash('sha1');

  /** Whoever owns the part may write over it afterwards. */
  add(part: Buffer): void {
    this.#hash.update(part);
  }

  /** Once, at the end. */
  text(): string {
    return this.#hash.digest('base64');
  }
}

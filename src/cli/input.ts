/** What the user typed after a verb, by name. */
import { SegueError } from '../core/errors.ts';

export class Input {
  readonly #arguments: ReadonlyMap<string, readonly string[]>;
  readonly #options: Readonly<Record<string, unknown>>;

  constructor(given: ReadonlyMap<string, readonly string[]>, options: Readonly<Record<string, unknown>>) {
    this.#arguments = given;
    this.#options = options;
  }

  argument(name: string): string | null {
    return this.#arguments.get(name)?.[0] ?? null;
  }

  /** All words of an argument that takes many. */
  words(name: string): readonly string[] {
    return this.#arguments.get(name) ?? [];
  }

  value(flag: string): string | null {
    const value = this.#options[camel(flag)];
    return typeof value === 'string' ? value : null;
  }

  has(flag: string): boolean {
    return this.#options[camel(flag)] === true;
  }

  whole(flag: string, fallback: number, max: number): number {
    const value = this.value(flag);
    if (value === null) return fallback;
    if (/^\d{1,9}$/.test(value) && Number(value) <= max) return Number(value);
    throw new SegueError('USAGE', `--${flag}: expected a whole number up to ${max}, got "${value}".`);
  }

  get json(): boolean {
    return this.has('json');
  }
}

/** As commander names `--keep-instances`. */
function camel(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

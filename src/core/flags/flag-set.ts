/** All flags that are in force together. A flag whose prerequisites do not hold counts as disabled. */
import type { FlagDefinitions } from './definition.ts';
import type { Context, Evaluation } from './evaluation.ts';
import { Flag } from './flag.ts';
import type { Trace } from './logic.ts';

export class FlagSet {
  readonly #flags: ReadonlyMap<string, Flag>;

  /** Flags that did not change are taken over from `before`, compiled as they are. */
  constructor(definitions: FlagDefinitions, before: FlagSet | null = null) {
    this.#flags = new Map(
      Object.entries(definitions).map(([key, definition]) => {
        const known = before?.flag(key);
        return [key, known?.definition === definition ? known : new Flag(key, definition)];
      }),
    );
  }

  get keys(): readonly string[] {
    return [...this.#flags.keys()];
  }

  get flags(): IterableIterator<Flag> {
    return this.#flags.values();
  }

  flag(key: string): Flag | undefined {
    return this.#flags.get(key);
  }

  evaluate(key: string, context: Context, nowMs: number, trace: Trace[] | null = null): Evaluation {
    const flag = this.#flags.get(key);
    if (!flag) return notFound(key);
    return this.#evaluate(flag, context, nowMs, { trace, asked: [] });
  }

  #evaluate(
    flag: Flag,
    context: Context,
    nowMs: number,
    { trace, asked }: { readonly trace: Trace[] | null; readonly asked: readonly string[] },
  ): Evaluation {
    const { prerequisites } = flag.notes;
    if (prerequisites.length === 0) return flag.evaluate(context, nowMs, trace);
    const all = [...asked, flag.key];
    const unmet = prerequisites.find(({ flag: name, variant }) => {
      const other = this.#flags.get(name);
      // Files with such a circle are refused; this one was put together at run time.
      if (!other || all.includes(name)) return true;
      return this.#evaluate(other, context, nowMs, { trace: null, asked: all }).variant !== variant;
    });
    if (unmet === undefined) return flag.evaluate(context, nowMs, trace);
    trace?.push({
      place: 'metadata.prerequisites',
      operator: `${unmet.flag}=${unmet.variant}`,
      value: false,
    });
    return flag.disabled();
  }
}

function notFound(flag: string): Evaluation {
  const error = { code: 'FLAG_NOT_FOUND', detail: `there is no flag "${flag}"` } as const;
  return { flag, variant: null, value: undefined, reason: 'ERROR', error, metadata: {} };
}

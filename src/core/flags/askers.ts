/**
 * The oldest version of each service that asked for a flag: it and those made after it have the code, as far as is
 * known. Evaluations say who asks by two keys of their context.
 */
import type { Context } from './evaluation.ts';

export interface Asker {
  readonly service: string;
  readonly version: string;
}

export const SERVICE_KEY = 'segueService';
export const VERSION_KEY = 'segueVersion';

/** By flag, then by service. */
export type Askers = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Null: they do not say. */
export function askerIn(context: Context): Asker | null {
  const service = context[SERVICE_KEY];
  const version = context[VERSION_KEY];
  return typeof service === 'string' && typeof version === 'string' ? { service, version } : null;
}

export class AskerBook {
  readonly #askers: Map<string, ReadonlyMap<string, string>>;
  changed = false;

  constructor(before: Askers) {
    this.#askers = new Map(
      Object.entries(before).map(([flag, services]) => [flag, new Map(Object.entries(services))]),
    );
  }

  /** `madeAtMs`: of a version of that service; null: there is none of that name, and nothing was said. */
  note(
    flag: string,
    { service, version }: Asker,
    madeAtMs: (service: string, version: string) => number | null,
  ): void {
    const services = this.#askers.get(flag);
    const known = services?.get(service);
    if (known === version) return;
    const atMs = madeAtMs(service, version);
    const knownAtMs = known === undefined ? null : madeAtMs(service, known);
    if (atMs === null || (knownAtMs !== null && knownAtMs <= atMs)) return;
    this.#askers.set(flag, new Map([...(services ?? []), [service, version]]));
    this.changed = true;
  }

  of(flag: string): readonly Asker[] {
    return [...(this.#askers.get(flag) ?? [])].map(([service, version]) => ({ service, version }));
  }

  /** Of these flags; those of others are forgotten. */
  all(flags: ReadonlySet<string>): Askers {
    for (const flag of this.#askers.keys()) if (!flags.has(flag)) this.#askers.delete(flag);
    return Object.fromEntries(
      [...this.#askers].map(([flag, services]) => [flag, Object.fromEntries(services)]),
    );
  }
}

import type { Listen } from '../project.ts';

/** What segue.yaml says about flags as a whole. */
export interface FlagChoices {
  /** Where definition files lie, seen from the project's folder. */
  readonly dir: string;
  /** Null: programs ask on control's own socket only. */
  readonly ofrep: OfrepChoice | null;
  /** A change at run time has to say why. */
  readonly reason: boolean;
  readonly approvals: readonly FlagApproval[];
  readonly stale: { readonly afterMs: number; readonly fail: boolean };
}

export interface OfrepChoice {
  readonly listen: Listen;
  readonly keys: readonly OfrepKey[];
  /** Requests in a second, of each key. */
  readonly rate: number;
  /** Of web pages that may ask; `*`: all. */
  readonly origins: readonly string[];
}

export interface OfrepKey {
  /** As written: `env:NAME` is looked up when control starts or `segue up` is run. */
  readonly key: string;
  /** Names with `*`; it may ask for no others. */
  readonly flags: readonly string[];
}

/** Whose word a change of these flags needs, beside the one of who asks for it. */
export interface FlagApproval {
  readonly flags: readonly string[];
  /** Empty: anybody else's. */
  readonly by: readonly string[];
}

export const DEFAULT_FLAGS: FlagChoices = {
  dir: 'flags',
  ofrep: null,
  reason: false,
  approvals: [],
  stale: { afterMs: 30 * 86_400_000, fail: false },
};

/** `*` is any text. */
export function namesFlag(patterns: readonly string[], key: string): boolean {
  return patterns.some((pattern) => fits(pattern.split('*'), key));
}

function fits(parts: readonly string[], key: string): boolean {
  const [first = '', ...rest] = parts;
  if (rest.length === 0) return key === first;
  if (!key.startsWith(first)) return false;
  const last = rest.pop() ?? '';
  let at = first.length;
  for (const part of rest) {
    const found = key.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return key.length - at >= last.length && key.endsWith(last);
}

/** Whom it needs; null: nobody. */
export function approversOf({ approvals }: FlagChoices, key: string): readonly string[] | null {
  return approvals.find(({ flags }) => namesFlag(flags, key))?.by ?? null;
}

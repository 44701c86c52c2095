/** What flags keep with the journal, as settings that nobody else writes. */
import type { Ledger } from '../ledger.ts';

/** As they were read last: some have an entry for each of thousands of flags, and each of those asks. */
const read = new WeakMap<Ledger, Map<string, Read>>();

interface Read {
  readonly text: string;
  readonly value: unknown;
}

export function remembered<T>(ledger: Ledger, key: string, nothing: T): T {
  const text = ledger.setting(key);
  if (text === undefined) return nothing;
  const value = valueOf(ledger, key, text);
  const isOurs = (given: unknown): given is T => typeof given === 'object';
  return isOurs(value) ? value : nothing;
}

function valueOf(ledger: Ledger, key: string, text: string): unknown {
  let all = read.get(ledger);
  if (!all) read.set(ledger, (all = new Map<string, Read>()));
  const known = all.get(key);
  if (known?.text === text) return known.value;
  const value: unknown = JSON.parse(text);
  all.set(key, { text, value });
  return value;
}

export const put = (key: string, value: unknown) =>
  ({ put: 'setting', key, value: JSON.stringify(value) }) as const;

/** What flags keep with the journal, as settings that nobody else writes. */
import type { Ledger } from '../ledger.ts';

export function remembered<T>(ledger: Ledger, key: string, nothing: T): T {
  const text = ledger.setting(key);
  const value: unknown = text === undefined ? nothing : JSON.parse(text);
  const isOurs = (given: unknown): given is T => typeof given === 'object';
  return isOurs(value) ? value : nothing;
}

export const put = (key: string, value: unknown) =>
  ({ put: 'setting', key, value: JSON.stringify(value) }) as const;

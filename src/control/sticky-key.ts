/** The secret of a project with which the gateway signs its cookies. Made once, kept with the journal, for its owner only. */
import type { Randomness } from '../ports/clock.ts';
import type { Ledger } from './ledger.ts';

const SETTING = 'sticky-key';
const KEY_BYTES = 32;

export function stickyKeyOf(ledger: Ledger): string | null {
  return ledger.setting(SETTING) ?? null;
}

/** What to write so that there is one: the same again once there is, or sessions would be lost with a restart. */
export function stickyKeySetting(ledger: Ledger, random: Randomness) {
  return { put: 'setting', key: SETTING, value: stickyKeyOf(ledger) ?? random.hex(KEY_BYTES) } as const;
}

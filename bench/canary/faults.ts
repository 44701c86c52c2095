/** The ways in which the example shop's new version is bad, and what counts as a user having met it. */
import type { ShopVersion } from '../../test/load/shop.ts';

/** How long pages of every version take, good ones too: as with a database. */
export const TAKES = { medianMs: 8, p99Ms: 40 } as const;

export interface Fault {
  readonly name: string;
  readonly version: Omit<ShopVersion, 'name'>;
  /** Users see it as an error, or every request of the bad version is one too many. */
  readonly met: 'errors' | 'requests';
}

export const FAULTS: readonly Fault[] = [
  { name: 'half of the requests fail', version: { behaviour: 'fails-some', share: 0.5 }, met: 'errors' },
  { name: '5% of the requests fail', version: { behaviour: 'fails-some', share: 0.05 }, met: 'errors' },
  { name: 'one page of twenty is broken', version: { behaviour: 'broken-login' }, met: 'errors' },
  {
    name: 'ends two seconds after it got ready',
    version: { behaviour: 'crash-after-ready', delayMs: 2_000 },
    met: 'errors',
  },
  { name: 'leaks 128 KB a request', version: { behaviour: 'leaks' }, met: 'requests' },
  {
    name: 'p99 twice as long',
    version: { takes: { medianMs: TAKES.medianMs, p99Ms: 2 * TAKES.p99Ms } },
    met: 'requests',
  },
];

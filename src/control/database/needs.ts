/** Everything that could need an old schema (R6), with where it was seen and since when. */
import {
  connectedHolders,
  type DatabaseClient,
  holdersOf,
  type Standing,
} from '../../core/release/contract.ts';
import type { NeededBy } from '../../core/release/contract-standing.ts';
import type { VersionRecord } from '../../core/release/records.ts';
import type { TrafficReport } from '../../core/traffic/counts.ts';
import type { Ledger } from '../ledger.ts';
import { knownBy } from './memory.ts';
import { standingOf } from './standing.ts';

const NOTHING: Standing = { services: [], releases: [], instances: [], underWay: [] };

/** What control and the gateway know. */
export function knownNeeds(
  ledger: Ledger,
  report: TrafficReport | null,
  uses: (service: string) => boolean,
  change: string,
): NeededBy[] {
  const standing = standingOf(ledger, report, uses);
  const knows = (service: string, version: string) => knownBy(ledger, service, version).includes(change);
  const seen = (seenIn: NeededBy['seenIn'], part: Standing) =>
    holdersOf(part, knows).map((what): NeededBy => ({ seenIn, what, sinceMs: null }));
  return [
    ...seen('journal', { ...standing, underWay: [] }),
    ...seen('gateway', { ...NOTHING, underWay: standing.underWay }),
  ];
}

/** What only the database knows. */
export function connectedNeeds(
  clients: readonly DatabaseClient[],
  versions: readonly VersionRecord[],
  allowed: readonly string[],
): NeededBy[] {
  return clients.flatMap((client) =>
    connectedHolders({ clients: [client], versions, allowed }).map((what): NeededBy => ({
      seenIn: 'database',
      what,
      sinceMs: client.sinceMs ?? null,
    })),
  );
}

/** Since when each is seen, where nobody else can say. Counts of the same thing are the same thing. */
export class FirstSeen {
  readonly #atMs = new Map<string, number>();

  /** Those of one change, all of them: what is not among them any more is forgotten. */
  dated(change: string, needs: readonly NeededBy[], nowMs: number): NeededBy[] {
    const keyOf = ({ seenIn, what }: NeededBy) =>
      `${change} ${seenIn} ${what.replace(/^\d+ |\(\d+ times\)$/g, '')}`;
    const keys = new Set(needs.map(keyOf));
    for (const key of this.#atMs.keys())
      if (key.startsWith(`${change} `) && !keys.has(key)) this.#atMs.delete(key);
    for (const key of keys) if (!this.#atMs.has(key)) this.#atMs.set(key, nowMs);
    return needs.map((need) => ({ ...need, sinceMs: need.sinceMs ?? this.#atMs.get(keyOf(need)) ?? null }));
  }
}

/**
 * R6: when what only older versions used may be taken away. Everything that could still need it is looked at -
 * versions that serve or are being released, instances, requests under way, connections - and what cannot be looked
 * at counts as needing it (R8).
 */
import { isPassing } from '../database/passing.ts';
import type { ErrorRecord } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Word } from './gate.ts';
import type { InstancePhase } from './records.ts';

/** Somebody connected to the database now. */
export interface DatabaseClient {
  /** application_name; instances get `segue:<service>:<version>:<instance>`. */
  readonly name: string;
  readonly user: string;
  /** Null: not to be seen, or by a unix socket. */
  readonly address: string | null;
  readonly connections: number;
  /** When the oldest of them was opened; left out or null: not to be seen. */
  readonly sinceMs?: number | null;
}

/** What is true of those services that use the database. */
export interface Standing {
  readonly services: readonly { readonly name: string; readonly stable: string | null }[];
  /** Those that have not ended. */
  readonly releases: readonly {
    readonly id: string;
    readonly service: string;
    readonly from: string | null;
    readonly to: string;
    readonly promoted: boolean;
  }[];
  /** All that are not stopped, resting ones included: the next "segue up" starts them again. */
  readonly instances: readonly {
    readonly id: string;
    readonly service: string;
    readonly version: string;
    readonly phase: InstancePhase;
  }[];
  /** As the gateway counts it. */
  readonly underWay: readonly {
    readonly instance: string;
    readonly service: string;
    readonly version: string;
    readonly count: number;
  }[];
}

/** Whether a version was made with the change. */
export type Knows = (service: string, version: string) => boolean;

/** What control itself knows; each in a person's words. */
export function holdersOf(standing: Standing, knows: Knows): string[] {
  const { services, releases, instances, underWay } = standing;
  return [
    ...services.flatMap(({ name, stable }) =>
      stable !== null && !knows(name, stable) ? [`${stable} of ${name} serves`] : [],
    ),
    ...releases.flatMap(({ id, service, from, to, promoted }) => {
      if (!knows(service, to)) return [`${id} releases ${to} of ${service}`];
      const back = !promoted && from !== null && !knows(service, from);
      return back ? [`${id} of ${service} can still go back to ${from}`] : [];
    }),
    ...instances.flatMap(({ id, service, version, phase }) =>
      knows(service, version) ? [] : [`${id} of ${version} is ${phase}`],
    ),
    ...underWay.flatMap(({ instance, service, version, count }) =>
      count === 0 || knows(service, version)
        ? []
        : [`${count} requests are under way on ${instance} of ${version}`],
    ),
  ];
}

const NAME_BYTES_MAX = 63;

/** PostgreSQL cuts names; one that is cut says which version it is only where that part is whole. */
export function clientName(service: string, version: string, instance: string): string {
  return `${prefixOf(service, version)}${instance}`.slice(0, NAME_BYTES_MAX);
}

const prefixOf = (service: string, version: string) => `segue:${service}:${version}:`;

export interface Connected {
  readonly clients: readonly DatabaseClient[];
  /** Versions that were made with the change. */
  readonly versions: readonly { readonly service: string; readonly version: string }[];
  /** Names that the file allows. */
  readonly allowed: readonly string[];
}

/** Connections of older versions, and of programs that nobody vouches for. */
export function connectedHolders({ clients, versions, allowed }: Connected): string[] {
  const good = versions
    .map(({ service, version }) => prefixOf(service, version))
    .filter((prefix) => prefix.length <= NAME_BYTES_MAX);
  const isGood = ({ name }: DatabaseClient) =>
    name === 'segue' || allowed.includes(name) || good.some((prefix) => name.startsWith(prefix));
  return clients.filter((client) => !isGood(client)).map(describeClient);
}

function describeClient({ name, user, address, connections }: DatabaseClient): string {
  const who = name === '' ? 'a program without a name' : `"${name}"`;
  const from = address === null ? '' : ` from ${address}`;
  return `${who} is connected as ${user}${from}${connections > 1 ? ` (${connections} times)` : ''}`;
}

/** What is kept of a change whose contract is to come. */
export interface ContractRecord {
  /** Since when nothing needs the old schema, as far as was looked; null: something does. */
  readonly freeSinceMs: number | null;
  /** Since when something does again after nothing did; null: nothing does, or something always did. */
  readonly againSinceMs: number | null;
  /** Who said that it may go. It holds until the contract is done. */
  readonly word: Word | null;
  /** It is under way, or how far it came is not known: until it is, no older version may be released. */
  readonly begun: boolean;
  /** How the last try ended; null: none failed. */
  readonly failed: ContractFailure | null;
}

export interface ContractFailure {
  readonly atMs: number;
  readonly error: ErrorRecord;
}

export const NO_CONTRACT: ContractRecord = {
  ...{ freeSinceMs: null, againSinceMs: null, word: null, begun: false, failed: null },
};

/** When it is tried again by itself; null: it waits for a person. */
export function triedAgainAtMs({ atMs, error }: ContractFailure): number | null {
  return isPassing(error) ? atMs + limits.schema.contractRetryMs : null;
}

export type ContractNext =
  | { readonly do: 'wait' }
  /** Nothing needs it any more: its time begins. */
  | { readonly do: 'free' }
  /** Something needs it again: its time begins anew, and nothing is under way. */
  | { readonly do: 'held' }
  | { readonly do: 'contract' };

export function nextOfContract(
  record: ContractRecord,
  holders: readonly string[],
  nowMs: number,
  afterMs: number | null,
): ContractNext {
  const { freeSinceMs, word, begun, failed } = record;
  if (holders.length > 0) return { do: freeSinceMs === null && !begun ? 'wait' : 'held' };
  if (freeSinceMs === null) return { do: 'free' };
  if (failed !== null && nowMs < (triedAgainAtMs(failed) ?? Infinity)) return { do: 'wait' };
  if (word !== null || begun) return { do: 'contract' };
  return { do: afterMs !== null && nowMs - freeSinceMs >= afterMs ? 'contract' : 'wait' };
}

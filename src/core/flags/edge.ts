/** Flags that the gateway evaluates for the requests of a service. */
import { namesFlag } from './choices.ts';
import type { FlagDefinition, FlagDefinitions } from './definition.ts';
import type { FlagSet } from './flag-set.ts';
import type { Outcomes, WorkerRow } from '../traffic/counts.ts';

export interface EdgeFlags {
  /** With `*` for any text. */
  readonly names: readonly string[];
  /** Who the user is; null: the gateway's own cookie says. */
  readonly key: EdgeKey | null;
}

export interface EdgeKey {
  readonly type: 'cookie' | 'header';
  readonly name: string;
}

/** As it travels to the gateway: whole, so that it needs nobody to go on with it. */
export interface EdgeRouting {
  readonly key: EdgeKey | null;
  /** Those that are evaluated. */
  readonly flags: readonly string[];
  /** Of them, and of what they need. */
  readonly definitions: FlagDefinitions;
  /** Of those that are being rolled out; left out: none is. */
  readonly shares?: EdgeShares | undefined;
  /** By version, the flags whose code it has not, each with what it gets instead; left out: none. */
  readonly without?: Readonly<Record<string, EdgeLacks>> | undefined;
}

/** By flag, its lowest variant; null: the default in the code. */
export type EdgeLacks = Readonly<Record<string, string | null>>;

export type EdgeShares = Readonly<Record<string, EdgeShare>>;

/** Two variants of a flag are beside each other, and what becomes of them is counted apart. */
export interface EdgeShare {
  readonly release: string;
  readonly to: string;
  /** Of those who are shared out, who gets `to`. */
  readonly percent: number;
  /** Gives `SHARED_OUT` for them, and for nobody else. */
  readonly mark: FlagDefinition;
}

export function edgeRouting({ names, key }: EdgeFlags, set: FlagSet, all: EdgeShares): EdgeRouting {
  const flags = set.keys.filter((flag) => namesFlag(names, flag));
  const definitions: Record<string, FlagDefinitions[string]> = {};
  const add = (name: string): void => {
    const flag = set.flag(name);
    if (!flag || Object.hasOwn(definitions, name)) return;
    definitions[name] = flag.definition;
    for (const prerequisite of flag.notes.prerequisites) add(prerequisite.flag);
  };
  for (const flag of flags) add(flag);
  const shares = Object.fromEntries(Object.entries(all).filter(([flag]) => flags.includes(flag)));
  return { key, flags, definitions, ...(Object.keys(shares).length > 0 ? { shares } : {}) };
}

/** One header carries the outcome of all; clients cannot set it. */
export const FLAGS_HEADER = 'Segue-Flags';

/** Of the project's secret, the key for that header. */
export const FLAGS_KEY_PURPOSE = 'flags';

/** The gateway's own cookie for visitors whom nothing else names. */
export const VISITOR_COOKIE = 'segue_visitor';

/** How the requests that got a variant at the edge went: what a judge compares. */
export interface FlagCounts extends Outcomes, WorkerRow {
  readonly flag: string;
  /** Empty: the default in the code. */
  readonly variant: string;
  /** Of those who were shared out by a roll-out; left out: of all others. */
  readonly share?: CountedShare | undefined;
  /** Who they were, as a sketch of targeting keys (`key-sketch.ts`); left out: not of a roll-out. */
  readonly keys?: string | undefined;
}

/** What may be compared has it in common, but for the percent, which is the variant's own. */
export interface CountedShare {
  /** Of the flag: another one meets the same users again. */
  readonly release: string;
  /** Of the service. */
  readonly version: string;
  readonly percent: number;
}

/** What a request got of flags that are being rolled out, for whoever looks at its failure. */
export interface SharedOutcome {
  /** Hash of the targeting key: says which requests belong together, and not whose they are. */
  readonly visitor: string;
  readonly flags: readonly (Omit<CountedShare, 'version'> & {
    readonly flag: string;
    readonly variant: string;
  })[];
}

export type FlagCounted = Pick<FlagCounts, 'service' | 'flag' | 'variant' | 'share'>;

export const flagCountsKey = ({ service, flag, variant, share }: FlagCounted) =>
  `${service} ${flag} ${variant}${share ? ` ${share.release} ${share.percent} ${share.version}` : ''}`;

/** Flags that the gateway evaluates for the requests of a service. */
import { namesFlag } from './choices.ts';
import type { FlagDefinitions } from './definition.ts';
import type { FlagSet } from './flag-set.ts';
import type { Outcomes } from '../traffic/counts.ts';

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
  /** By version, the flags whose code it has not, each with what it gets instead; left out: none. */
  readonly without?: Readonly<Record<string, EdgeLacks>> | undefined;
}

/** By flag, its lowest variant; null: the default in the code. */
export type EdgeLacks = Readonly<Record<string, string | null>>;

export function edgeRouting({ names, key }: EdgeFlags, set: FlagSet): EdgeRouting {
  const flags = set.keys.filter((flag) => namesFlag(names, flag));
  const definitions: Record<string, FlagDefinitions[string]> = {};
  const add = (name: string): void => {
    const flag = set.flag(name);
    if (!flag || Object.hasOwn(definitions, name)) return;
    definitions[name] = flag.definition;
    for (const prerequisite of flag.notes.prerequisites) add(prerequisite.flag);
  };
  for (const flag of flags) add(flag);
  return { key, flags, definitions };
}

/** One header carries the outcome of all; clients cannot set it. */
export const FLAGS_HEADER = 'Segue-Flags';

/** Of the project's secret, the key for that header. */
export const FLAGS_KEY_PURPOSE = 'flags';

/** The gateway's own cookie for visitors whom nothing else names. */
export const VISITOR_COOKIE = 'segue_visitor';

/** How the requests that got a variant at the edge went: what a judge compares. */
export interface FlagCounts extends Outcomes {
  readonly service: string;
  readonly flag: string;
  /** Empty: the default in the code. */
  readonly variant: string;
}

export const flagCountsKey = ({ service, flag, variant }: Pick<FlagCounts, 'service' | 'flag' | 'variant'>) =>
  `${service} ${flag} ${variant}`;

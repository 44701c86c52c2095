/** Requests that go to a group because of what they are; the weights are for the others. */
import type { Group } from './split.ts';

export type TextPattern =
  | { readonly type: 'exact'; readonly text: string }
  /** `*` stands for any run of characters, everything else for itself. */
  | { readonly type: 'glob'; readonly text: string };

export type PathPattern =
  | TextPattern
  /** Whole path segments at the start, as in a route. */
  | { readonly type: 'prefix'; readonly text: string };

export type Match =
  | { readonly type: 'all' | 'any'; readonly of: readonly Match[] }
  | { readonly type: 'not'; readonly match: Match }
  /** `example.com` or `*.example.com`, as in a route. */
  | { readonly type: 'host'; readonly host: string }
  | { readonly type: 'path'; readonly path: PathPattern }
  | { readonly type: 'method'; readonly methods: readonly string[] }
  /** Names of headers in any case, the others as they are; no pattern: it is there. One that is there twice never fits. */
  | {
      readonly type: 'header' | 'cookie' | 'query';
      readonly name: string;
      readonly value: TextPattern | null;
    }
  /** In CIDR notation. */
  | { readonly type: 'network'; readonly networks: readonly string[] }
  /** ISO 3166-1 alpha-2. */
  | { readonly type: 'country'; readonly countries: readonly string[] };

export interface Rule {
  /** Its own among the rules of a service; what is counted goes by it. */
  readonly name: string;
  readonly match: Match;
  /** So many of the requests that match go to the group, the others to the stable one. */
  readonly percent: number;
  readonly group: Group;
}

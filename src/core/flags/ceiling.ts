/**
 * How far a flag may be raised (F1): never above the share of the requests that go to versions with its code, and not
 * at all before the change of the database that it needs can be used.
 */
import type { Reach } from '../release/schema.ts';
import { percentOf, type VersionShare } from '../traffic/version-shares.ts';

/** The versions of a service that have the code, and where its requests go. */
export interface FlagCode {
  readonly service: string;
  readonly versions: readonly string[];
  /** The version that brought it, as its metadata says; null: those versions have asked for it. */
  readonly since: string | null;
  /** Empty: nobody is served, so nobody can meet it. */
  readonly traffic: readonly VersionShare[];
}

export interface CeilingQuestion {
  /** Of those who ask, what is to get more than the lowest variant. */
  readonly percent: number;
  /** Empty: nothing is known of its code, and nothing is held back. */
  readonly code: readonly FlagCode[];
  /** Reach null: the change was never seen in the database. */
  readonly needs: { readonly change: string; readonly reach: Reach | null } | null;
}

export type Ceiling =
  | { readonly type: 'allowed' }
  | { readonly type: 'limited'; readonly percent: number; readonly why: string }
  | { readonly type: 'refused'; readonly why: string };

export function ceilingOf({ percent, code, needs }: CeilingQuestion): Ceiling {
  if (percent <= 0) return { type: 'allowed' };
  const unready = needs && schemaTrouble(needs.change, needs.reach);
  if (unready !== null) return { type: 'refused', why: unready };
  const [least] = code.toSorted((a, b) => coverageOf(a) - coverageOf(b));
  if (least === undefined) return { type: 'allowed' };
  const most = coverageOf(least);
  if (percent <= most) return { type: 'allowed' };
  const why = describeCode(least, most);
  return most === 0 ? { type: 'refused', why } : { type: 'limited', percent: most, why };
}

/** The share of the requests whose version has the code. */
export function coverageOf({ versions, traffic }: FlagCode): number {
  return traffic.length === 0 ? 100 : percentOf(traffic, versions);
}

/** Where the requests of a service go another way: what has to be lowered before they do. */
export function fallsBelow(percent: number, before: FlagCode, after: FlagCode): boolean {
  const most = coverageOf(after);
  return percent > most && most < coverageOf(before);
}

const USABLE: ReadonlySet<Reach | null> = new Set(['filled', 'contracted', 'finished'] as const);

function schemaTrouble(change: string, reach: Reach | null): string | null {
  if (USABLE.has(reach)) return null;
  if (reach === null) return `it needs ${change}, which Segue has not seen in the database`;
  return reach === 'new'
    ? `it needs ${change}, which is not expanded`
    : `it needs ${change}, whose backfill is not done`;
}

function describeCode({ service, versions, since, traffic }: FlagCode, most: number): string {
  const others = traffic.filter((share) => !share.versions.every((version) => versions.includes(version)));
  const where = others
    .map((share) => `${shown(share.percent)}% to ${share.versions.join(' or ')}`)
    .join(', ');
  const whose =
    since === null
      ? `a version of ${service} that has asked for it (${versions.join(', ') || 'none'})`
      : versions.length === 0
        ? `a version with its code: there is no ${since} of ${service} yet`
        : `a version of ${service} with its code (${since} or later)`;
  const much = most === 0 ? 'no request goes to' : `only ${most}% of the requests go to`;
  return `${much} ${whose}; ${where}`;
}

const shown = (percent: number) => Math.round(percent * 10) / 10;

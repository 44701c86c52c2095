/** What users met, by fault: median, least and most of the rounds. */
import { spreadOf } from '../support/spread.ts';
import type { Episode } from './episode.ts';
import type { Fault } from './faults.ts';

export interface Row {
  readonly fault: Fault;
  readonly judged: readonly Episode[];
  readonly naive: readonly Episode[];
}

/** Of the failed requests that users met without a judge. */
const SHARE_MAX = 0.2;

/** What is missed, in words. */
export function missesOf(rows: readonly Row[]): string[] {
  return rows.flatMap(({ fault, judged, naive }) => {
    const misses: string[] = [];
    const lost = judged.filter(({ endedBy }) => endedBy === null).length;
    if (lost > 0) misses.push(`${fault.name}: not taken back in ${lost} of ${judged.length} rounds`);
    if (fault.met === 'requests') return misses;
    const met = spreadOf(judged.map(({ requests }) => requests)).median;
    const without = spreadOf(naive.map(({ requests }) => requests)).median;
    if (met > without * SHARE_MAX)
      misses.push(`${fault.name}: ${met} failed requests, ${without} without a judge`);
    return misses;
  });
}

export function printRows(rows: readonly Row[]): void {
  for (const { fault, judged, naive } of rows) {
    const what = fault.met === 'errors' ? 'failed requests' : 'requests on it';
    console.log(`\n${fault.name}`);
    console.log(line('', ['seconds', what, fault.met === 'errors' ? 'users who met one' : '', 'ended by']));
    console.log(line('canary, judged', cells(fault, judged)));
    console.log(line('rolling, nobody judges', cells(fault, naive)));
  }
}

function cells({ met }: Fault, episodes: readonly Episode[]): string[] {
  const spread = (of: (episode: Episode) => number, digits: number) => {
    const { median, min, max } = spreadOf(episodes.map(of));
    const [middle, least, most] = [median, min, max].map((value) => value.toFixed(digits));
    return `${middle} (${least} to ${most})`;
  };
  const ends = [...new Set(episodes.map(({ endedBy }) => endedBy ?? 'nobody; it goes on'))].toSorted();
  return [
    spread(({ lastedS }) => lastedS, 1),
    spread(({ requests }) => requests, 0),
    met === 'errors' ? spread(({ users }) => users, 0) : '',
    ends.join(', '),
  ];
}

function line(name: string, parts: readonly string[]): string {
  return `  ${name.padEnd(24)}${parts.map((part) => part.padEnd(24)).join(' ')}`.trimEnd();
}

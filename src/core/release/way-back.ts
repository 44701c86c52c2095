/** The rollback certificate at this moment: where a service can go back to, what that takes, and what ends it. */
import type { ErrorRecord } from '../errors.ts';
import { describeEnd, describeWay, type WayBack } from './certificate.ts';
import type { ReleaseRecord } from './records.ts';
import { knows, type SchemaChange, type SchemaFacts } from './schema.ts';
import { isPromoted } from './state.ts';

export interface WayBackNow {
  readonly to: string;
  /** Null: there is none. */
  readonly how: WayBack['how'] | null;
  /** Instances that would have to be started first. */
  readonly starts: number;
  /** Contracts that end it, in their order. */
  readonly until: readonly string[];
  /** In one line, for people. */
  readonly text: string;
}

/** Of a release under way; null: it goes back already, or there is nothing to go back to. */
export function wayBackDuring({ state, plan }: ReleaseRecord): WayBackNow | null {
  const { certificate } = plan;
  const { to, contracts = [] } = certificate;
  if (state.phase !== 'forward' || to === null || isPromoted(state, plan.steps)) return null;
  // A step under way may have done what it does.
  const done = state.at + (state.underWay ? 1 : 0);
  const way = certificate.ways.find(({ fromStep, toStep }) => fromStep <= done && done <= toStep);
  const { how, starts } = way ?? { how: 'untouched', starts: 0 };
  const text = [way ? describeWay(way, to) : 'nothing was changed yet', ...endOf(to, contracts)];
  return { to, how, starts, until: contracts.map(({ name }) => name), text: text.join('; ') };
}

type End = Pick<SchemaChange, 'name' | 'keepMs' | 'comesBack'>;

/** What ends the way back from `stable` to `to`: contracts to come, and those whose kept part goes. */
export function endsBetween(schema: SchemaFacts, stable: string, to: string): SchemaChange[] {
  const ends = ({ name, reach }: SchemaChange) =>
    reach !== 'finished' && knows(schema, stable, name) && !knows(schema, to, name);
  return schema.changes.filter(ends);
}

/** After the release: `refusal` is why a rollback would be refused now. */
export function wayBackAfter(
  service: string,
  to: string,
  ends: readonly End[],
  refusal: ErrorRecord | null,
): WayBackNow {
  const none = { to, starts: 0, until: [] };
  if (refusal !== null) return { ...none, how: null, text: `none: ${refusal.detail}` };
  const until = ends.map(({ name }) => name);
  const text = [`"segue rollback ${service}" makes a new release`, ...endOf(to, ends)].join('; ');
  return { ...none, how: 'new-release', until, text };
}

/** They come in their order: the first one ends it, or one of those after it whose way back is shorter. */
function endOf(to: string, contracts: readonly End[]): string[] {
  let shortestMs = Infinity;
  const first = contracts.filter(({ keepMs, comesBack }) => {
    const openMs = comesBack ? keepMs : 0;
    if (openMs >= shortestMs) return false;
    shortestMs = openMs;
    return true;
  });
  return describeEnd({ to, ways: [], problems: [], contracts: first });
}

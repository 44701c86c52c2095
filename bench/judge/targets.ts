/** What the judge has to reach, and why a rule that was better in a row was so. */
import type { Cost } from './cost.ts';
import { shareInterval } from './figures.ts';
import { QUANTILES } from './latency-classes.ts';
import { durationAt, shareAbove } from './latency-shape.ts';
import { ALL_GUARDS, ERRORS_ONLY, FALSE_ALARMS, type Guarded, type Result, type Row } from './measure.ts';

const KNOWN_FACTOR = 1.3;
export const WALD_FACTOR = 1.6;
/** A rule that takes back so many more of the healthy releases than it may has found nothing. */
const NO_EVIDENCE = 2 * FALSE_ALARMS;

/** What is missed, in words. */
export function missesOf(result: Result, results: readonly Result[]): string[] {
  const { scenario, rows } = result;
  const misses = scenario.isBad ? lateness(result, results) : falseAlarms(rows);
  return misses.map((miss) => `${scenario.name}: ${miss}`);
}

/** Chance may add to what is seen, so a promise is broken when it is outside of what chance leaves open. */
function falseAlarms(rows: readonly Row[]): string[] {
  return rows
    .filter((row) => row.isOurs && shareInterval(row.takenBack, row.releases).from > FALSE_ALARMS)
    .map(({ rule, takenBack, releases }) => `${rule}: ${takenBack} of ${releases} false alarms`);
}

/** With ten reports a second: a fifth of a core. */
const REPORT_MS_MAX = 20;

export function missesOfCost(cost: Cost | null): string[] {
  if (!cost || cost.meanMs <= REPORT_MS_MAX) return [];
  return [
    `judging ${cost.services} services: ${cost.meanMs.toFixed(1)} ms a report, at most ${REPORT_MS_MAX}`,
  ];
}

export function missesOfGuarded(guarded: Guarded | null): string[] {
  if (!guarded || shareInterval(guarded.takenBack, guarded.releases).from <= FALSE_ALARMS) return [];
  return [`every guard at once: ${guarded.takenBack} of ${guarded.releases} false alarms`];
}

function lateness(result: Result, results: readonly Result[]): string[] {
  const { scenario, rows, simple } = result;
  const misses: string[] = [];
  const plain = rows.find(({ rule }) => rule === ERRORS_ONLY)?.p50?.requests.value ?? Infinity;
  const { knownP50 } = scenario;
  if (knownP50 !== null && plain > knownP50 * KNOWN_FACTOR)
    misses.push(`p50 ${plain} against ${knownP50} x ${KNOWN_FACTOR}`);
  if (knownP50 !== null && simple) {
    const steady = simple.againstPast?.requests.value ?? Infinity;
    const allowed = waldAllows(result);
    if (steady > allowed) misses.push(`against the past: p50 ${steady} against ${allowed.toFixed(1)}`);
  }
  const main = rows.find(({ rule }) => rule === ALL_GUARDS);
  for (const row of rows)
    if (!row.isOurs && isBefore(row, main) && whyBetter(row, result, results) === null)
      misses.push(`${row.rule} was earlier`);
  return misses;
}

/**
 * Two errors at the least: one request says nothing of the next, so no guard decides upon one. Where that is more
 * than the factor allows, it is the target.
 */
export function waldAllows({ scenario, simple }: Result): number {
  const factor = (simple?.wald ?? Infinity) * WALD_FACTOR;
  return Math.max(factor, medianOfTwo(scenario.candidate.errors));
}

/** Requests after which two have failed in half of the cases. */
function medianOfTwo(rate: number): number {
  let requests = 2;
  const fewer = (n: number) => (1 - rate) ** n + n * rate * (1 - rate) ** (n - 1);
  while (fewer(requests) > 0.5) requests += 1;
  return requests;
}

export const isBefore = (row: Row, other: Row | undefined): boolean =>
  (row.p50?.seconds.value ?? Infinity) < (other?.p50?.seconds.value ?? Infinity);

/** What stays within the tolerance is not to be found. */
export function whyMissed(row: Row, { scenario: { isBad, stable, candidate } }: Result): string | null {
  if (!isBad || !row.isOurs || row.p50 !== null) return null;
  if (candidate.errors !== stable.errors) return null;
  if (row.rule === ERRORS_ONLY) return 'looks at errors only';
  const times = QUANTILES.map((quantile) => {
    const ms = durationAt(stable.latency, 1 - quantile, 1);
    return shareAbove(candidate.latency, ms, 1) / (1 - quantile);
  });
  return `as many slow requests as ${Math.max(...times).toFixed(2)} times stable's`;
}

/** Null: it was not, or there is no excuse. */
export function whyBetter(row: Row, result: Result, results: readonly Result[]): string | null {
  const { scenario, rows } = result;
  const main = rows.find(({ rule }) => rule === ALL_GUARDS);
  if (row.isOurs || !main) return null;
  if (scenario.isBad) {
    if (!isBefore(row, main)) return null;
    if (scenario.sticky && scenario.candidate.errors === scenario.stable.errors)
      return "its bound happens to suit; here a visitor's slow requests count as one";
    const alike = results.find((one) => !one.scenario.isBad && isLike(one, result));
    const healthy = alike?.rows.find(({ rule }) => rule === row.rule);
    const share = healthy ? healthy.takenBack / healthy.releases : 0;
    return share > NO_EVIDENCE ? `takes back ${percent(share)} of the healthy ones as well` : null;
  }
  if (row.takenBack >= main.takenBack) return null;
  const missed = results.filter(({ scenario: { isBad }, rows: all }) => {
    const its = all.find(({ rule }) => rule === row.rule);
    return isBad && its !== undefined && its.takenBack < its.releases / 2;
  });
  return missed.length > 0
    ? `finds hardly any of: ${missed.map((one) => one.scenario.name).join('; ')}`
    : null;
}

/** The same stable, in the same traffic. */
function isLike({ scenario: one }: Result, { scenario: other }: Result): boolean {
  return (
    one.stable.errors === other.stable.errors &&
    one.arrivals === other.arrivals &&
    (one.sticky === null) === (other.sticky === null)
  );
}

export const percent = (share: number): string => `${Number((share * 100).toFixed(1))}%`;

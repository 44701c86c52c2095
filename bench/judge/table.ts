/** The table that is printed. */
import { type Quantile, shareInterval } from './figures.ts';
import type { Cost } from './cost.ts';
import type { Found, Guarded, Result, Row } from './measure.ts';
import { percent, waldAllows, whyBetter, whyMissed } from './targets.ts';

const NAME_CHARS = 46;
const CELL_CHARS = 26;

export const GUARDED = 'every guard at once, controls that are killed';
export const COST = 'cost of judging many services at once';

export function printGuarded({ releases, takenBack, byGuard }: Guarded): void {
  const { from, to } = shareInterval(takenBack, releases);
  const per = (share: number) => (share * 10_000).toFixed(0);
  const names = Object.entries(byGuard).map(([guard, count]) => `${guard} ${count}`);
  console.log(`\n${GUARDED} (${releases} releases)`);
  console.log(line('taken back although nothing was wrong:', ['per 10,000', 'by']));
  const all = `${per(takenBack / releases)} (${per(from)} to ${per(to)})`;
  console.log(line('Segue, tolerance 1', [all, names.join(', ')]));
}

export function printCost({ services, meanMs, longestMs, recordBytes }: Cost): void {
  console.log(`\n${COST}`);
  const each = `${meanMs.toFixed(2)} ms a report, ${longestMs.toFixed(1)} the longest`;
  const kept = `${(recordBytes / 1_024).toFixed(1)} KB written down of each`;
  console.log(line(`${services} services, all with news`, [each, kept]));
}

export function printResult(result: Result, results: readonly Result[]): void {
  const { scenario, rows, simple } = result;
  console.log(`\n${scenario.name} (${rows[0]?.releases ?? 0} releases)`);
  console.log(
    scenario.isBad
      ? line('until it was taken back:', ['p50 requests, seconds', 'p90', 'missed'])
      : line('taken back although nothing was wrong:', ['per 10,000', 'in the first 10 minutes']),
  );
  for (const row of rows) {
    const why = whyBetter(row, result, results) ?? whyMissed(row, result);
    console.log((scenario.isBad ? foundLine(row) : alarmLine(row)) + (why === null ? '' : `  ${why}`));
  }
  if (!simple) return;
  const steady = simple.againstPast === null ? 'never' : found(simple.againstPast);
  const target = scenario.knownP50 === null ? '' : `, target ${waldAllows(result).toFixed(0)}`;
  console.log(
    line('Segue with a past, rates that stay', [steady, `Wald's bound ${simple.wald.toFixed(1)}${target}`]),
  );
}

function alarmLine({ rule, takenBack, early, releases }: Row): string {
  const per = (share: number) => (share * 10_000).toFixed(0);
  const { from, to } = shareInterval(takenBack, releases);
  return line(rule, [`${per(takenBack / releases)} (${per(from)} to ${per(to)})`, per(early / releases)]);
}

function foundLine({ rule, takenBack, releases, p50, p90 }: Row): string {
  const cell = (value: Found | null) => (value === null ? 'never' : found(value));
  return line(rule, [cell(p50), cell(p90), percent(1 - takenBack / releases)]);
}

function found({ requests, seconds }: Found): string {
  return `${requests.value} ${around(requests)}, ${seconds.value.toFixed(seconds.value < 10 ? 1 : 0)} s`;
}

function around({ interval: { from, to } }: Quantile): string {
  return `(${from} to ${Number.isFinite(to) ? to : 'never'})`;
}

function line(name: string, cells: readonly string[]): string {
  return `  ${name.padEnd(NAME_CHARS)}${cells.map((cell) => cell.padEnd(CELL_CHARS)).join(' ')}`.trimEnd();
}

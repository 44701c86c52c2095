/** The table that is printed. */
import { type Quantile, shareInterval } from './figures.ts';
import type { Found, Result, Row } from './measure.ts';
import { percent, waldAllows, whyBetter, whyMissed } from './targets.ts';

const NAME_CHARS = 46;
const CELL_CHARS = 26;

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

/**
 * The judge beside the rules of other controllers, on the very same simulated traffic:
 *   node bench/judge.ts [--quick] [--check] [--json] [--only WORDS]
 * --quick: fewer releases, minutes. --check: exit code 1 when a target is missed. --only: cases whose name has these
 * words, with the healthy ones that they are held against left out.
 */
import { parseArgs } from 'node:util';
import { CASES } from './judge/cases.ts';
import { measureCost } from './judge/cost.ts';
import { FALSE_ALARMS, measure, measureGuarded, type Result } from './judge/measure.ts';
import { MINUTES, REQUESTS_PER_SECOND, SHARE } from './judge/scenario.ts';
import { COST, GUARDED, printCost, printGuarded, printResult } from './judge/table.ts';
import { missesOf, missesOfCost, missesOfGuarded, percent } from './judge/targets.ts';

const { values: options } = parseArgs({
  options: {
    check: { type: 'boolean' },
    quick: { type: 'boolean' },
    json: { type: 'boolean' },
    only: { type: 'string' },
  },
});
const HEALTHY_RELEASES = options.quick ? 1_000 : 10_000;
const BAD_RELEASES = options.quick ? 200 : 1_000;

const began = performance.now();
const results: Result[] = [];
for (const scenario of CASES) {
  if (options.only !== undefined && !scenario.name.includes(options.only)) continue;
  if (!options.json) process.stderr.write(`${scenario.name} ...\n`);
  results.push(measure(scenario, scenario.isBad ? BAD_RELEASES : HEALTHY_RELEASES));
}
const isWanted = (name: string) => options.only === undefined || name.includes(options.only);
const guarded = isWanted(GUARDED) ? measureGuarded(HEALTHY_RELEASES) : null;
const cost = isWanted(COST) ? measureCost() : null;
if (results.length === 0 && !guarded && !cost)
  throw new Error(`--only ${options.only}: no case has these words`);
const misses = [
  ...results.flatMap((result) => missesOf(result, results)),
  ...missesOfGuarded(guarded),
  ...missesOfCost(cost),
];

if (options.json) console.log(JSON.stringify({ results, guarded, cost, misses }, null, 2));
else {
  console.log(
    `${REQUESTS_PER_SECOND} requests/s that drift with the day, ${percent(SHARE)} of them on the candidate, ` +
      `${MINUTES} minutes; false alarms allowed: ${percent(FALSE_ALARMS)}; in brackets what chance leaves open (95%). ` +
      `${((performance.now() - began) / 1000).toFixed(0)} s.`,
  );
  for (const result of results) printResult(result, results);
  if (guarded) printGuarded(guarded);
  if (cost) printCost(cost);
  console.log(misses.length === 0 ? '\nEvery target is met.' : `\nMissed:\n  ${misses.join('\n  ')}`);
}
if (options.check && misses.length > 0) process.exitCode = 1;

/**
 * What flags cost: one asked in the same process, beside flagd's own evaluator and Unleash's client; a hundred asked at
 * once over HTTP; streams held open by one control, and how soon all of them hear that a flag was turned off:
 *   node bench/flags.ts [--check] [--streams N]
 * --check: exit code 1 when a target is missed.
 */
import { parseArgs } from 'node:util';
import { measureInProcess } from './flags/in-process.ts';
import { measureServed } from './flags/served.ts';
import { lookAtMachine } from './support/machine.ts';
import { spreadOf } from './support/spread.ts';

const EVALUATION_US_MAX = 5;
const SWITCH_MS_MAX = 200;

const { values: options } = parseArgs({
  options: { check: { type: 'boolean' }, streams: { type: 'string', default: '10000' } },
});

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

const say = (what: string, value: string, target = '') =>
  console.log(`${what.padEnd(58)} ${value.padStart(12)}  ${target}`);

const machine = await lookAtMachine();
console.log(
  `${machine.cores} x ${machine.processor}, Node ${machine.node}, others used ${machine.busyPercent.toFixed(0)}%`,
);
const missed: string[] = [];
const hold = (what: string, value: number, max: number) => {
  if (value > max) missed.push(what);
  return value > max ? `at most ${max}: MISSED` : `at most ${max}: ok`;
};

for (const { name, us } of await measureInProcess()) {
  const { median } = spreadOf(us);
  say(
    `one flag with a fractional rule, ${name}`,
    `${median.toFixed(2)} us`,
    name === 'segue' ? hold('one flag', median, EVALUATION_US_MAX) : '',
  );
}
const served = await measureServed(Number(options.streams));
say('100 flags at once over HTTP, median', `${quantile(served.bulkMs, 0.5).toFixed(2)} ms`);
say('100 flags at once over HTTP, p99', `${quantile(served.bulkMs, 0.99).toFixed(2)} ms`);
const few = spreadOf(served.fewSwitchMs);
say(
  'a flag turned off, heard by all of 10 streams',
  `${few.median.toFixed(0)} ms`,
  hold('off, 10 streams', few.median, SWITCH_MS_MAX),
);
say(
  `memory of control for each of ${served.streams} streams`,
  `${(served.bytesPerStream / 1024).toFixed(1)} KB`,
);
const all = spreadOf(served.switchMs);
say(
  `a flag turned off, heard by all of ${served.streams} streams`,
  `${all.median.toFixed(0)} ms`,
  hold(`off, ${served.streams} streams`, all.median, SWITCH_MS_MAX),
);

if (options.check && missed.length > 0) {
  console.log(`MISSED: ${missed.join('; ')}`);
  process.exitCode = 1;
}
// Unleash's client keeps timers that outlive it.
process.exit();

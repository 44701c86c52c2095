/**
 * `npm run bench`: what a release costs. Everything is measured in this run, against a base line of this run,
 * in several rounds that take turns. Options: --check (exit code 1 when a target is missed), --json, --quick,
 * --only NAME (may be given several times).
 */
import { parseArgs } from 'node:util';
import { measureLatency } from './measures/latency.ts';
import { measureReleaseCost } from './measures/release-cost.ts';
import { measureThroughput } from './measures/throughput.ts';
import { measureWayBack } from './measures/way-back.ts';
import { BenchProject } from './support/bench-project.ts';
import { isMissed, type Section } from './support/figure.ts';
import { lookAtMachine } from './support/machine.ts';
import { printMachine, printParagraph, printSection } from './support/report.ts';

const INTERRUPTED = 130;
const LIMITS_OF_THIS =
  'Not measured: networks, TLS and machines other than this one; applications that are slow to answer, use much memory or hold long-lived streams; many services or many instances at once; the start of the `segue` command itself. The load generator runs on the same cores as what it measures, so differences are larger here than on a machine with room. What others do on the machine is in the spread.';

interface Measure {
  readonly name: string;
  readonly run: (project: BenchProject, rounds: number) => Promise<Section>;
  readonly rounds: number;
  readonly quickRounds: number;
}

const MEASURES: readonly Measure[] = [
  { name: 'cost', run: measureReleaseCost, rounds: 12, quickRounds: 4 },
  { name: 'way-back', run: measureWayBack, rounds: 8, quickRounds: 3 },
  { name: 'latency', run: measureLatency, rounds: 9, quickRounds: 3 },
  { name: 'throughput', run: measureThroughput, rounds: 5, quickRounds: 2 },
];

interface Options {
  readonly check: boolean;
  readonly json: boolean;
  readonly quick: boolean;
  readonly only: readonly string[];
}

function optionsOf(args: readonly string[]): Options {
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { check: flag, json: flag, quick: flag, only: { type: 'string', multiple: true } },
  });
  const { only = MEASURES.map(({ name }) => name) } = values;
  const unknown = only.find((name) => !MEASURES.some((measure) => measure.name === name));
  if (unknown !== undefined)
    throw new Error(`--only ${unknown}: there is ${MEASURES.map((m) => m.name).join(', ')}`);
  return { ...values, only };
}

async function measureAll(
  project: BenchProject,
  { json, quick, only }: Options,
): Promise<readonly Section[]> {
  const sections: Section[] = [];
  await project.use({ strategy: 'rolling' });
  await project.up();
  await project.deploy(await project.build());
  for (const { name, run, rounds, quickRounds } of MEASURES) {
    if (!only.includes(name)) continue;
    const section = await run(project, quick ? quickRounds : rounds);
    sections.push(section);
    if (!json) printSection(section);
  }
  return sections;
}

async function main(options: Options): Promise<number> {
  const interrupted = Promise.withResolvers<null>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.resolve(null));
  const machine = await lookAtMachine();
  if (!options.json) printMachine(machine);
  const project = await BenchProject.create();
  try {
    const sections = await Promise.race([measureAll(project, options), interrupted.promise]);
    if (sections === null) return INTERRUPTED;
    const missed = sections.flatMap(({ figures }) => figures).filter(isMissed);
    if (options.json)
      console.log(JSON.stringify({ machine, sections, missed: missed.map((m) => m.name) }, null, 2));
    else printParagraph(LIMITS_OF_THIS);
    return options.check && missed.length > 0 ? 1 : 0;
  } finally {
    await project.remove();
  }
}

// A measure that was interrupted may still wait for what is gone; nothing of it is left, so nothing is lost.
process.exit(await main(optionsOf(process.argv.slice(2))));

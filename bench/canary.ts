/**
 * `npm run bench:canary`: the example shop's users meet versions that are bad in several ways, once by canary under
 * the judge, once by a rolling release that nobody judges. Real processes, gateway and load; several rounds, which
 * take turns. Options: --check (exit code 1 when a target is missed), --json, --quick, --only WORDS.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { crowdOf, PER_SECOND, USERS } from './canary/crowd.ts';
import { type Episode, play } from './canary/episode.ts';
import { type Fault, FAULTS } from './canary/faults.ts';
import { ShopProject, type Way } from './canary/project.ts';
import { missesOf, printRows, type Row } from './canary/table.ts';
import { lookAtMachine } from './support/machine.ts';

const { values: options } = parseArgs({
  options: {
    check: { type: 'boolean' },
    json: { type: 'boolean' },
    quick: { type: 'boolean' },
    only: { type: 'string' },
  },
});
const ROUNDS: Readonly<Record<Way, number>> = options.quick
  ? { judged: 2, naive: 1 }
  : { judged: 5, naive: 2 };
/** What nobody takes back goes on; so long is enough to compare. */
const WATCHED_MS = options.quick ? 5_000 : 20_000;
/** Stable's own past, for thresholds of latency: a hundred requests beyond the p99. */
const PAST_MS = 60_000;

const faults = FAULTS.filter(({ name }) => options.only === undefined || name.includes(options.only));
if (faults.length === 0) throw new Error(`--only ${options.only}: no fault has these words`);

async function measure(way: Way): Promise<Map<Fault, Episode[]>> {
  const episodes = new Map<Fault, Episode[]>(faults.map((fault) => [fault, []]));
  const project = await ShopProject.create(way);
  try {
    await project.ended(await project.begin(await project.build({})));
    if (way === 'judged') await pastOf(project);
    for (let round = 0; round < ROUNDS[way]; round += 1)
      for (const fault of faults) {
        process.stderr.write(`${way}, round ${round + 1}: ${fault.name}\n`);
        episodes.get(fault)?.push(await play(project, fault, WATCHED_MS));
      }
  } finally {
    await project.remove();
  }
  return episodes;
}

async function pastOf(project: ShopProject): Promise<void> {
  const load = await crowdOf(project.port);
  await sleep(PAST_MS);
  const { failed } = await load.stop();
  if (failed > 0) throw new Error(`${failed} requests failed before anything was released`);
}

const machine = await lookAtMachine();
const judged = await measure('judged');
const naive = await measure('naive');
const rows = faults.map((fault): Row => ({
  fault,
  judged: judged.get(fault) ?? [],
  naive: naive.get(fault) ?? [],
}));
const misses = missesOf(rows);
if (options.json) console.log(JSON.stringify({ machine, rows, misses }, null, 2));
else {
  console.log(
    `${USERS} users, ${PER_SECOND} requests per second, ${machine.cores} cores, others used ` +
      `${Math.round(machine.busyPercent)}% right before. Canary at 10% under the judge, ${ROUNDS.judged} rounds; ` +
      `rolling without judge, ${ROUNDS.naive} rounds, watched for ${WATCHED_MS / 1_000} s.`,
  );
  printRows(rows);
  console.log(misses.length === 0 ? '\nEvery target is met.' : `\nMissed:\n  ${misses.join('\n  ')}`);
}
if (options.check && misses.length > 0) process.exitCode = 1;

/**
 * What a plan does to flags: none is raised above the share of the requests whose version has its code (F1), and those
 * of a version go down before its requests do (F2).
 */
import { SegueError } from '../errors.ts';
import { ceilingOf } from '../flags/ceiling.ts';
import { versionShares, workerShares } from '../traffic/version-shares.ts';
import type { Facts } from './facts.ts';
import { losesCode } from './flag-facts.ts';
import { simulate, type Simulation, simulationOf } from './simulation.ts';
import type { FlagStep, LowerStep, Step } from './step.ts';

/** First on the way back: what this release raised, and what only its candidates have the code of. */
export function flagsBack({ flags = [], stable, running }: Facts): LowerStep[] {
  const candidates = new Set(
    running.filter(({ version }) => version !== stable).map(({ version }) => version),
  );
  const lowers = flags.filter(
    (flag) =>
      flag.raised > 0 && (flag.ours || [...candidates].some((version) => losesCode(flag, version, stable))),
  );
  return lowers.length > 0 ? [{ kind: 'lower', flags: lowers.map(({ flag }) => flag), for: stable }] : [];
}

/** A release to a version without the code of what is raised lowers it before its first request; so does one that stops. */
export function withFlagsLowered(steps: readonly Step[], facts: Facts, to: string): Step[] {
  const { flags = [], stable, worker } = facts;
  const lower = (leaving: string | null, staying: string | null): LowerStep[] => {
    const lost = flags.filter((flag) => losesCode(flag, leaving, staying)).map(({ flag }) => flag);
    return lost.length > 0 ? [{ kind: 'lower', flags: lost, for: staying }] : [];
  };
  const first = steps.findIndex(({ kind }) => kind === (worker ? 'start' : 'route'));
  const last = steps.findLastIndex(({ kind }) => kind === 'route');
  const stops = steps.every(({ kind }) => kind !== 'promote');
  return steps.flatMap((step, index) => {
    const before = index === first ? lower(stable, to) : [];
    return [...before, ...(stops && index === last ? lower(to, stable) : []), step];
  });
}

/** Refuses a plan that raises a flag further than may be (F1): before anything of it has begun. */
export function checkFlags(facts: Facts, steps: readonly Step[], to: string): void {
  let now = simulationOf(facts);
  for (const [index, step] of steps.entries()) {
    const why = step.kind === 'flag' ? flagTrouble(now, step, facts, to) : null;
    if (why !== null) throw new SegueError('FLAG_CEILING', `Step ${index + 1}: ${why}.`);
    now = simulate(now, step);
  }
}

function flagTrouble(now: Simulation, { flag, percent }: FlagStep, facts: Facts, to: string): string | null {
  const fact = facts.flags?.find((each) => each.flag === flag);
  if (!fact) return `there is no flag ${flag}`;
  const { since, needs, versions } = fact;
  // It could go up now, and would have to come down with the next weight.
  if (versions && versions.length > 0 && !versions.includes(to)) return `${to} has not the code of ${flag}`;
  const traffic = facts.worker
    ? workerShares([...now.instances.values()].map(({ version }) => version))
    : versionShares(now.rotation, (id) => now.instances.get(id)?.version);
  const code = versions ? [{ service: facts.service, versions, since, traffic }] : [];
  const reach = needs ? (now.schema.get(needs.change) ?? needs.reach) : null;
  const ceiling = ceilingOf({ percent, code, needs: needs && { change: needs.change, reach } });
  return ceiling.type === 'allowed' ? null : `${flag} cannot be at ${percent}%: ${ceiling.why}`;
}

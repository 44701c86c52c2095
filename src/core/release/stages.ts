/**
 * Holds a plan that goes up by stages to R3, by its steps alone: a candidate's share never rises before the gates of
 * the stage are behind it, never over the stage's weight, nobody meets it by a rule that is not asked for, and both
 * versions have the instances that their part of the requests needs.
 */
import type { Gates, Service, Stage } from '../project.ts';
import { instancesShown, rulesOf } from '../strategy/ab.ts';
import type { Rotation } from '../traffic/rotation.ts';
import type { Rule } from '../traffic/rule.ts';
import type { ShadowShare } from '../traffic/shadow.ts';
import { instancesFor } from './capacity.ts';
import { type Facts, isServed } from './facts.ts';
import type { Step } from './step.ts';
import type { Violation } from './verify.ts';

export function checkStages(facts: Facts, steps: readonly Step[], service: Service): Violation[] {
  const climb = isServed(facts) ? climbOf(service) : null;
  if (!climb) return [];
  const violations: Violation[] = [];
  const ladder = new Ladder(climb);
  for (const [index, step] of steps.entries()) {
    ladder.pass(step);
    if (step.kind !== 'route') continue;
    const share = shareOf(step.rotation, facts);
    const { allowed } = ladder;
    const found = [
      ...(share.candidate > allowed ? [`${share.candidate}% where the gates passed allow ${allowed}%`] : []),
      ...strangeRules(share.rules, ladder.rules),
      ...strangeCopies(step.rotation, ladder.shadow),
      ...starved(step.rotation, share, facts, service, climb),
    ];
    ladder.at = share.candidate;
    for (const detail of found) violations.push({ invariant: 'R3', step: index, detail });
  }
  return violations;
}

/** What a plan may do, by the file alone. */
interface Climb {
  readonly stages: readonly Stage[];
  /** While the first stage lasts. */
  readonly rules: readonly Rule[];
  /** The percent past all stages. */
  readonly end: number;
  /** Instances that the rules need. */
  readonly shown: number;
}

function climbOf({ strategy, instances }: Service): Climb | null {
  switch (strategy.type) {
    case 'canary':
      return { stages: strategy.stages, rules: [], end: 100, shown: 0 };
    case 'ab': {
      const end = strategy.end === 'promote' ? 100 : 0;
      const shown = instancesShown(strategy, instances);
      return {
        stages: [{ weight: 0, shadow: null, ...strategy.gates }],
        rules: rulesOf(strategy),
        end,
        shown,
      };
    }
    default:
      return null;
  }
}

/** Which gates are behind: those of a stage count only while its whole weight is in force. */
class Ladder {
  readonly #climb: Climb;
  #passed = 0;
  /** Gates of the stage that are not passed yet. */
  #open = new Set<Step['kind']>();
  /** What is in force; nothing of the plan is at first. */
  at = -1;

  constructor(climb: Climb) {
    this.#climb = climb;
    this.#begin();
  }

  get allowed(): number {
    return this.#climb.stages[this.#passed]?.weight ?? this.#climb.end;
  }

  get rules(): readonly Rule[] {
    return this.#passed === 0 ? this.#climb.rules : [];
  }

  /** Of the stage that begins with the next route step. */
  get shadow(): ShadowShare | null {
    return this.#climb.stages[this.#passed]?.shadow ?? null;
  }

  pass(step: Step): void {
    const stage = this.#climb.stages[this.#passed];
    if (!stage || this.at !== stage.weight) return;
    this.#open.delete(step.kind);
    if (this.#open.size > 0) return;
    this.#passed += 1;
    this.#begin();
  }

  #begin(): void {
    const stage = this.#climb.stages[this.#passed];
    this.#open = new Set(stage ? [...kindsOf(stage), ...(stage.flag ? (['flag'] as const) : [])] : []);
  }
}

function kindsOf({ forMs, evidence, approve }: Gates): Step['kind'][] {
  return [
    ...(forMs > 0 ? ['hold' as const] : []),
    ...(evidence ? ['judge' as const] : []),
    ...(approve ? ['approve' as const] : []),
  ];
}

interface Share {
  readonly candidate: number;
  readonly baseline: number;
  readonly rules: readonly Rule[];
}

function shareOf({ instances, split }: Rotation, facts: Facts): Share {
  if (split)
    return { candidate: split.candidate.percent, baseline: split.baseline.percent, rules: split.rules };
  const isOld = (id: string) => facts.running.some((each) => each.id === id);
  return { candidate: instances.every(isOld) ? 0 : 100, baseline: 0, rules: [] };
}

function strangeRules(rules: readonly Rule[], asked: readonly Rule[]): string[] {
  const known = new Set(asked.map((rule) => JSON.stringify(rule)));
  const strange = rules.filter((rule) => !known.has(JSON.stringify(rule)));
  return strange.map(({ name }) => `${name} decides, which nobody asked for now`);
}

function strangeCopies({ split }: Rotation, asked: ShadowShare | null): string[] {
  if (!split?.shadow || JSON.stringify(split.shadow) === JSON.stringify(asked)) return [];
  return ['it copies requests that nobody asked for now'];
}

function starved(
  { instances, split }: Rotation,
  { candidate, baseline, rules }: Share,
  { running, rotation }: Facts,
  { instances: wanted }: Service,
  { shown }: Climb,
): string[] {
  const whole = running.filter(({ id }) => rotation.instances.includes(id)).length;
  const lacks = (who: string, has: number, part: number, of: number) =>
    part > 0 && has < instancesFor(part, of) ? [`${has} of ${who} for ${part}% of the requests`] : [];
  if (!split) {
    const [who, of] = candidate > 0 ? (['the candidate', wanted] as const) : (['stable', whole] as const);
    return lacks(who, instances.length, 100, of);
  }
  const has = split.candidate.instances.length;
  return [
    ...lacks('the candidate', has, candidate, wanted),
    ...(split.shadow && has === 0 ? ['nobody for the copies'] : []),
    ...(rules.length > 0 && has < shown ? [`${has} of the candidate for what the rules give it`] : []),
    ...lacks('the baseline', split.baseline.instances.length, baseline, wanted),
    ...lacks('stable', instances.length, 100 - candidate - baseline, whole),
  ];
}

/**
 * A/B: some requests, named by rules, go to the candidate, each rule's part of them; everything else stays where it
 * was. What has been learned ends it: the candidate gets everything, or goes.
 */
import type { AbChoice } from '../project.ts';
import { instancesFor } from '../release/capacity.ts';
import { isServed } from '../release/facts.ts';
import type { Rule } from '../traffic/rule.ts';
import { Ascent } from './ascent.ts';
import { blueGreen } from './blue-green.ts';
import { gateSteps } from './gates.ts';
import type { Strategy } from './strategy.ts';

export function ab(choice: AbChoice): Strategy {
  const { gates, end, bakeMs } = choice;
  // Where nothing serves there is no B.
  const atOnce = blueGreen({ type: 'blue-green', preview: null, bakeMs, flags: choice.flags ?? [] });
  return (request) => {
    if (!isServed(request.facts)) return atOnce(request);
    const ascent = new Ascent(request, 'keep');
    ascent.show(rulesOf(choice), instancesShown(choice, request.service.instances));
    ascent.steps.push(...gateSteps(gates, ascent.candidates, request.service.judge));
    if (end === 'promote') ascent.finish(() => [], bakeMs);
    else ascent.withdraw();
    return ascent.steps;
  };
}

export function rulesOf({ rules }: AbChoice): Rule[] {
  return rules.map((rule) => ({ ...rule, group: 'candidate' }));
}

/** How many requests match is not known: as if the rules shared out all of them. */
export function instancesShown({ instances, rules }: AbChoice, wanted: number): number {
  const percent = rules.reduce((sum, rule) => sum + rule.percent, 0);
  return instances ?? instancesFor(Math.min(100, percent), wanted);
}

/**
 * Canary: the candidate gets a small part of the requests first and more with every gate that it passes (R3). Its
 * instances come with its weight, so that a small weight needs no second set and a large one is not starved.
 */
import type { CanaryChoice, Stage } from '../project.ts';
import type { InstanceRef } from '../release/step.ts';
import type { ShadowShare } from '../traffic/shadow.ts';
import { isServed } from '../release/facts.ts';
import { Ascent } from './ascent.ts';
import { blueGreen } from './blue-green.ts';
import { flagsAtOnce, flagStep } from './flags.ts';
import { gateSteps } from './gates.ts';
import type { Strategy } from './strategy.ts';

const FULL = 100;
/** A baseline has as much as the candidate, and stable has to keep something: from here on there is no room for it. */
const BASELINE_BELOW = 50;

export function canary(choice: CanaryChoice): Strategy {
  const { stages, stable, baseline, bakeMs } = choice;
  // Where nothing serves there is nobody to compare with, and nobody to protect.
  const atOnce = blueGreen({ type: 'blue-green', preview: null, bakeMs, flags: flagsAtOnce(choice) });
  return (request) => {
    if (!isServed(request.facts)) return atOnce(request);
    const { judge } = request.service;
    const stageSteps = (stage: Stage, all: readonly InstanceRef[]) => [
      ...(stage.flag ? [flagStep(request, stage.flag, stage.weight)] : []),
      ...gateSteps(stage, all, judge),
    ];
    const ascent = new Ascent(request, stable);
    let weight = 0;
    let shadow: ShadowShare | null = null;
    for (const stage of stages.filter((each) => each.weight < FULL)) {
      if (stage.shadow !== null && stage.shadow !== shadow) ascent.copy(stage.shadow);
      if (stage.weight > weight) ascent.rise(stage.weight, baseline && stage.weight < BASELINE_BELOW);
      ({ weight, shadow } = stage);
      ascent.steps.push(...stageSteps(stage, ascent.candidates));
    }
    ascent.finish(
      (all) => stages.filter((each) => each.weight === FULL).flatMap((stage) => stageSteps(stage, all)),
      bakeMs,
    );
    return ascent.steps;
  };
}

/**
 * Blue-green: a whole second set beside the first, one routing between them. The old set stays warm until
 * the bake is over, so going back before then is one routing, too (R4).
 */
import type { BlueGreenChoice } from '../project.ts';
import type { InstanceRef, Step } from '../release/step.ts';
import { NO_SHARE, type RotationSplit } from '../traffic/rotation.ts';
import type { Match } from '../traffic/rule.ts';
import { flagSteps } from './flags.ts';
import { candidatesOf, idsOf, leavers, rotationOf, smokeStep, type Strategy, watchStep } from './strategy.ts';

export function blueGreen(choice: BlueGreenChoice): Strategy {
  return (request) => {
    const { facts, to } = request;
    const green = candidatesOf(request);
    const blue = leavers(facts);
    const serving = blue.filter((i) => facts.rotation.instances.includes(i.id));
    const preview: Step[] =
      choice.preview && blue.length > 0
        ? [
            {
              kind: 'route',
              rotation: rotationOf(serving, [], previewOf(choice.preview, green)),
              purpose: `${to} can be previewed with the header ${choice.preview.header}: ${choice.preview.value}`,
            },
            ...watchStep('preview', choice.preview.forMs, green),
          ]
        : [];
    return [
      { kind: 'start', instances: green },
      { kind: 'ready', instances: green },
      ...smokeStep(request, 'before', green),
      ...preview,
      { kind: 'route', rotation: rotationOf(green, blue), purpose: `everything to ${to}` },
      ...smokeStep(request, 'after', green),
      ...(blue.length > 0 ? [{ kind: 'drain', instances: blue } as const] : []),
      ...flagSteps(request, choice, green),
      ...watchStep('bake', blue.length > 0 ? choice.bakeMs : 0, green),
      { kind: 'promote', version: to },
      ...(blue.length > 0 ? [{ kind: 'stop', instances: blue } as const] : []),
    ];
  };
}

/** Nobody meets the candidate but those who ask for it. */
function previewOf(
  { header, value, when }: NonNullable<BlueGreenChoice['preview']>,
  green: readonly InstanceRef[],
): RotationSplit {
  const byHeader: Match = { type: 'header', name: header, value: { type: 'exact', text: value } };
  const match: Match = when ? { type: 'any', of: [byHeader, when] } : byHeader;
  return {
    candidate: { instances: idsOf(green), percent: 0 },
    baseline: NO_SHARE,
    shadow: null,
    rules: [{ name: 'preview', match, percent: 100, group: 'candidate' }],
  };
}

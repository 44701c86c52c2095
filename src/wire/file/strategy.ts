/** `strategy:` of a service. */
import * as z from 'zod';
import { limits } from '../../core/limits.ts';
import type { Stage } from '../../core/project.ts';
import type { ShadowShare } from '../../core/traffic/shadow.ts';
import { ab } from './ab.ts';
import { flagList, flagsOf, raiseKeys, raiseOf } from './flag-raise.ts';
import { gatesOf, untilEvidence } from './gates.ts';
import { stageShadow } from './shadow.ts';
import { when } from './when.ts';
import { duration, headerName, shortOrLong, text, whole, wholePercent } from './values.ts';

const { instancesPerServiceMax: instances, stagesMax } = limits.file;

export const rolling = z
  .strictObject({
    type: z.literal('rolling').describe('A few instances at a time.'),
    surge: whole(0, instances)
      .prefault(1)
      .describe('Instances above the wanted number while the release runs.'),
    unavailable: whole(0, instances)
      .prefault(0)
      .describe('Instances that may be missing while the release runs.'),
    batch: whole(1, instances)
      .optional()
      .describe('Instances replaced in one round. Without it: as many as surge and unavailable allow.'),
    flags: flagList(),
    bake: duration()
      .prefault('0s')
      .describe('How long the finished version is watched before the release ends.'),
  })
  .transform((value) => ({
    type: value.type,
    surge: value.surge,
    unavailable: value.unavailable,
    batch: value.batch ?? null,
    bakeMs: value.bake,
    ...flagsOf(value.flags),
  }));

const preview = shortOrLong(
  'how long, such as 2m, or { for, header, value }',
  duration(1),
  z
    .strictObject(
      {
        for: duration(1).prefault('1m').describe('How long to wait for people to look.'),
        header: headerName()
          .prefault('segue-preview')
          .describe('Requests with this header and value meet the new version.'),
        value: text('the value of the header').prefault('candidate').describe('The value of the header.'),
        when: when.optional().describe('Other requests that meet the new version, too.'),
      },
      'for, header, value and when',
    )
    .transform((value) => ({
      header: value.header.toLowerCase(),
      value: value.value,
      when: value.when ?? null,
      forMs: value.for,
    })),
  (ms) => ({ for: `${ms}ms` }),
);

const blueGreen = z
  .strictObject({
    type: z.literal('blue-green').describe('A second whole set, then one switch.'),
    preview: preview
      .optional()
      .describe('Time to look at the new version by a header before the switch. Without it: none.'),
    flags: flagList(),
    bake: duration()
      .prefault('1m')
      .describe('How long the old version stays warm after the switch, so that going back is instant.'),
  })
  .transform((value) => ({
    ...{ type: value.type, preview: value.preview ?? null, bakeMs: value.bake },
    ...flagsOf(value.flags),
  }));

const STAGE_PHRASE = 'a step such as { weight: 5, until: evidence }';
const stage = z
  .strictObject(
    {
      weight: wholePercent()
        .optional()
        .describe('Of the requests, for the new version. Without it: as in the step before.'),
      shadow: stageShadow
        .optional()
        .describe(
          'Copies of requests, for the new version: nobody gets its answers. Only in steps before any weight.',
        ),
      ...raiseKeys,
      until: untilEvidence(),
      for: duration(1).optional().describe('How long it stays so at least.'),
      approve: z
        .boolean('true or false')
        .optional()
        .describe('A person has to say "segue approve" before it goes on.'),
    },
    STAGE_PHRASE,
  )
  .refine(({ flag, to, share }) => flag !== undefined || (to === undefined && share === undefined), {
    error: 'flag, too: to and share say how far a flag is raised',
  });
type Step = z.output<typeof stage>;

const STAGES_PHRASE = `steps such as [{ weight: 5, until: evidence }, { weight: 50, for: 2m }], at most ${stagesMax}`;

const canary = z
  .strictObject({
    type: z.literal('canary').describe('A small part of the requests first, then more.'),
    steps: z
      .array(stage, STAGES_PHRASE)
      .min(1, STAGES_PHRASE)
      .max(stagesMax, STAGES_PHRASE)
      .refine(
        ([first]) => first?.weight !== undefined || first?.shadow !== undefined,
        'steps of which the first one has a weight, or a shadow',
      )
      .prefault([1, 10, 50].map((weight) => ({ weight, until: 'evidence' as const })))
      .describe('Parts of the requests that rise; all of them follow the last one.'),
    stable: z
      .enum(['keep', 'shrink'], 'keep or shrink')
      .prefault('keep')
      .describe('keep: the old version stays whole. shrink: it leaves as the new one grows.'),
    baseline: z
      .boolean('true or false')
      .prefault(false)
      .describe('New instances of the old version beside the new ones, while those have less than half.'),
    flags: flagList(),
    bake: duration()
      .prefault('5m')
      .describe('How long the old version stays warm after all requests have moved.'),
  })
  .transform(({ type, steps, stable, baseline, bake, flags }) => ({
    ...{ type, stable, baseline, bakeMs: bake, ...flagsOf(flags) },
    stages: stagesOf(steps),
  }));

/** Copies end with the first weight. */
function stagesOf(steps: readonly Step[]): Stage[] {
  let weight = 0;
  let copies: ShadowShare | null = null;
  return steps.map((step) => {
    weight = step.weight ?? weight;
    copies = step.shadow ?? (step.weight === undefined ? copies : null);
    return { weight, shadow: copies, ...gatesOf(step), ...raiseOf(step) };
  });
}

const handover = z
  .strictObject({
    type: z
      .literal('handover')
      .describe('The old version ends before the new one begins; requests wait meanwhile.'),
    within: duration(1)
      .optional()
      .describe(
        'How long they may wait before the old version is started again. Without it: what "hold" leaves beside that.',
      ),
    flags: flagList(),
    bake: duration()
      .prefault('0s')
      .describe('How long the finished version is watched before the release ends.'),
  })
  .transform((value) => ({
    ...{ type: value.type, withinMs: value.within ?? null, bakeMs: value.bake },
    ...flagsOf(value.flags),
  }));

const PHRASE = 'rolling, blue-green, canary or handover, or { type, ... } with the details';

export const strategy = shortOrLong(
  PHRASE,
  z.enum(['rolling', 'blue-green', 'canary', 'handover'], PHRASE),
  z.discriminatedUnion('type', [rolling, blueGreen, canary, ab, handover], PHRASE),
  (type) => ({ type }),
);

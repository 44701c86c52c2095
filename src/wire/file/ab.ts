/** `strategy: { type: ab }`: which requests meet the new version, for how long, and what comes of it. */
import * as z from 'zod';
import { limits } from '../../core/limits.ts';
import { flagList, flagsOf } from './flag-raise.ts';
import { gatesOf, untilEvidence } from './gates.ts';
import { EVERYTHING, when } from './when.ts';
import { duration, name, whole, wholePercent } from './values.ts';

const { rulesMax, abMaxMs, instancesPerServiceMax } = limits.file;

const RULE_PHRASE = 'a rule such as { when: { header: { X-Beta: yes } }, share: 50% }';
const rule = z.strictObject(
  {
    name: name()
      .optional()
      .describe('Under which its counts are shown. Without it: rule-1, rule-2 and so on.'),
    when: when
      .optional()
      .describe('Which requests it is about. Without it: all that no earlier rule is about.'),
    share: wholePercent()
      .prefault('100%')
      .describe('So many of them meet the new version; the others stay where they are.'),
  },
  RULE_PHRASE,
);

const RULES_PHRASE = `a list of rules such as [{ when: { cookie: { beta: 1 } } }, { share: 5% }], at most ${rulesMax}`;

export const ab = z
  .strictObject({
    type: z
      .literal('ab')
      .describe('Some requests, named by rules, meet the new version; then it gets all or none.'),
    rules: z
      .array(rule, RULES_PHRASE)
      .min(1, RULES_PHRASE)
      .max(rulesMax, RULES_PHRASE)
      .describe('Who meets the new version; the first rule that matches decides.'),
    until: untilEvidence(),
    for: duration(1, abMaxMs).optional().describe('How long it lasts at least.'),
    approve: z.boolean('true or false').optional().describe('A person has to say "segue approve" to end it.'),
    end: z
      .enum(['promote', 'stop'], 'promote or stop')
      .prefault('promote')
      .describe('promote: the new version gets everything. stop: it ends, and the old one goes on.'),
    instances: whole(1, instancesPerServiceMax)
      .optional()
      .describe('Of the new version meanwhile. Without it: as many as the shares would need together.'),
    flags: flagList(),
    bake: duration()
      .prefault('5m')
      .describe('How long the old version stays warm after all requests have moved.'),
  })
  .transform(({ type, rules, end, instances, bake, flags, ...gates }) => ({
    ...{ type, end, instances: instances ?? null, bakeMs: bake, ...flagsOf(flags) },
    rules: rules.map((each, index) => ({
      name: each.name ?? `rule-${index + 1}`,
      match: each.when ?? EVERYTHING,
      percent: each.share,
    })),
    gates: gatesOf(gates),
  }));

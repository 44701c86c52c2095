/** The parts of a routing that say who gets which request. Left out, everything is as it was before they existed. */
import * as z from 'zod';
import type { Match, Rule } from '../core/traffic/rule.ts';
import type { ShadowShare } from '../core/traffic/shadow.ts';
import type { Share } from '../core/traffic/split.ts';
import type { Sticky } from '../core/traffic/sticky.ts';

const group = z.enum(['stable', 'candidate', 'baseline']);
const percent = z.int().min(0).max(100);

const share: z.ZodType<Share> = z.object({
  group,
  version: z.string(),
  percent,
  backends: z.array(z.string()),
});

export const split = z
  .array(share)
  .refine((shares) => shares.reduce((sum, one) => sum + one.percent, 0) === 100, 'shares make 100 percent')
  .nullable()
  .default(null);

const exact = z.object({ type: z.literal('exact'), text: z.string() });
const glob = z.object({ type: z.literal('glob'), text: z.string() });
const prefix = z.object({ type: z.literal('prefix'), text: z.string() });

const match: z.ZodType<Match> = z.lazy(() =>
  z.discriminatedUnion('type', [
    z.object({ type: z.enum(['all', 'any']), of: z.array(match) }),
    z.object({ type: z.literal('not'), match }),
    z.object({ type: z.literal('host'), host: z.string() }),
    z.object({ type: z.literal('path'), path: z.discriminatedUnion('type', [exact, glob, prefix]) }),
    z.object({ type: z.literal('method'), methods: z.array(z.string()) }),
    z.object({
      type: z.enum(['header', 'cookie', 'query']),
      name: z.string(),
      value: z.discriminatedUnion('type', [exact, glob]).nullable(),
    }),
    z.object({ type: z.literal('network'), networks: z.array(z.string()) }),
    z.object({ type: z.literal('country'), countries: z.array(z.string()) }),
  ]),
);

const rule: z.ZodType<Rule> = z.object({ name: z.string().default('rule'), match, percent, group });
export const rules = z.array(rule).default([]);

export const shadow: z.ZodType<ShadowShare | null> = z
  .object({ percent: z.number().min(0).max(100), methods: z.array(z.string()), bodies: z.boolean() })
  .nullable()
  .default(null);

export const sticky: z.ZodType<Sticky | null> = z
  .discriminatedUnion('type', [
    z.object({ type: z.literal('cookie'), name: z.string(), ttlMs: z.number() }),
    z.object({
      type: z.literal('hash'),
      of: z.discriminatedUnion('type', [
        z.object({ type: z.literal('header'), name: z.string() }),
        z.object({ type: z.literal('cookie'), name: z.string() }),
        z.object({ type: z.literal('address') }),
      ]),
    }),
  ])
  .nullable()
  .default(null);

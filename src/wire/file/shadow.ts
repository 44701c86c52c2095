/** Copies of requests: to another service (`traffic.shadow`), or to a new version before it has users (a canary's step). */
import * as z from 'zod';
import type { ShadowShare } from '../../core/traffic/shadow.ts';
import { name, share, shortOrLong, wholePercent } from './values.ts';

const METHOD_PHRASE = 'a method such as GET';

const methods = z
  .array(z.string(METHOD_PHRASE).regex(/^[A-Z]{1,32}$/, METHOD_PHRASE), 'a list of methods')
  .min(1, 'at least one method')
  .prefault(['GET', 'HEAD'])
  .describe('Only requests with these methods; others may change something twice.');

export const serviceShadow = z.strictObject(
  {
    to: name().describe('The service that gets the copies.'),
    percent: share().prefault('100%').describe('How many of the requests are copied.'),
    methods,
  },
  'to, percent and methods',
);

const PHRASE = 'a whole share such as 10%, or { percent, methods, compare }';

export const stageShadow = shortOrLong(
  PHRASE,
  wholePercent(),
  z
    .strictObject(
      {
        percent: wholePercent().describe('How many of the requests are copied.'),
        methods,
        compare: z
          .enum(['status', 'body'], 'status or body')
          .prefault('status')
          .describe('body: what answers hold is compared, too, and shown; no release goes back for it.'),
      },
      PHRASE,
    )
    .transform(({ percent, methods: copied, compare }): ShadowShare => ({
      ...{ percent, methods: copied, bodies: compare === 'body' },
    })),
  (percent) => ({ percent }),
);

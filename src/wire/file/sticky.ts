/** `traffic.sticky`: what makes a client's requests meet the same version and instance again. */
import * as z from 'zod';
import type { Sticky } from '../../core/traffic/sticky.ts';
import { duration, headerName } from './values.ts';

const COOKIE_PHRASE = 'the name of a cookie';
const cookieName = () => z.string(COOKIE_PHRASE).regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/, COOKIE_PHRASE);
const COOKIE = 'segue';
const TTL_MS = 3_600_000;

const HASH_PHRASE = '{ header: NAME }, { cookie: NAME } or { address: true }';

const hash = z
  .strictObject(
    {
      header: headerName().optional().describe('A header, such as X-User.'),
      cookie: cookieName().optional().describe('A cookie of the application.'),
      address: z.literal(true, 'true').optional().describe("The client's address."),
    },
    HASH_PHRASE,
  )
  .refine((value) => Object.keys(value).length === 1, HASH_PHRASE)
  .transform(({ header, cookie }): Sticky => {
    if (header !== undefined) return { type: 'hash', of: { type: 'header', name: header.toLowerCase() } };
    return {
      type: 'hash',
      of: cookie === undefined ? { type: 'address' } : { type: 'cookie', name: cookie },
    };
  });

const PHRASE = '{ cookie, ttl } or { hash }, not both';

export const sticky = z
  .strictObject(
    {
      cookie: cookieName()
        .optional()
        .describe(
          "The gateway's own cookie, set and read by the gateway alone; segue unless said otherwise.",
        ),
      ttl: duration(1000)
        .optional()
        .describe('How long a session lasts after its last visit; 1h unless said otherwise.'),
      hash: hash
        .optional()
        .describe('Instead of a cookie: what requests of one client have in common, one of the three.'),
    },
    PHRASE,
  )
  .refine(
    (value) => value.hash === undefined || (value.cookie === undefined && value.ttl === undefined),
    PHRASE,
  )
  .transform((value): Sticky => {
    return value.hash ?? { type: 'cookie', name: value.cookie ?? COOKIE, ttlMs: value.ttl ?? TTL_MS };
  });

/** `traffic.sticky`: what makes a client's requests meet the same version and instance again. */
import { z } from 'zod';
import type { Sticky } from '../../core/traffic/sticky.ts';
import { duration, headerName } from './values.ts';

const COOKIE_PHRASE = 'the name of a cookie';
const cookieName = () => z.string(COOKIE_PHRASE).regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/, COOKIE_PHRASE);

const byCookie = z
  .strictObject(
    {
      cookie: cookieName()
        .prefault('segue')
        .describe("The gateway's own cookie, set and read by the gateway alone."),
      ttl: duration(1000).prefault('1h').describe('How long a session lasts after its last visit.'),
    },
    'cookie and ttl',
  )
  .transform(({ cookie, ttl }): Sticky => ({ type: 'cookie', name: cookie, ttlMs: ttl }));

const HASH_PHRASE = '{ header: NAME }, { cookie: NAME } or { address: true }';

const byHash = z
  .strictObject({
    hash: z
      .strictObject(
        {
          header: headerName().optional().describe('A header, such as X-User.'),
          cookie: cookieName().optional().describe('A cookie of the application.'),
          address: z.literal(true, 'true').optional().describe("The client's address."),
        },
        HASH_PHRASE,
      )
      .refine((value) => Object.keys(value).length === 1, HASH_PHRASE)
      .describe('What requests of one client have in common; one of the three.'),
  })
  .transform(({ hash: { header, cookie } }): Sticky => {
    if (header !== undefined) return { type: 'hash', of: { type: 'header', name: header.toLowerCase() } };
    return {
      type: 'hash',
      of: cookie === undefined ? { type: 'address' } : { type: 'cookie', name: cookie },
    };
  });

const PHRASE = '{ cookie, ttl } or { hash }';

/** `hash` decides which of the two is meant, so that what is wrong is said of the right one. */
export const sticky = z.union([byHash, byCookie], PHRASE);

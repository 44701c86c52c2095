/** `gateway:`, what concerns the gateway as a whole. */
import { z } from 'zod';
import { limits } from '../../core/limits.ts';
import { DEFAULT_SETTINGS } from '../../core/traffic/settings.ts';
import { network } from './values.ts';

export const gateway = z.strictObject(
  {
    trust: z
      .array(network(), 'a list of networks')
      .max(limits.file.networksMax, `at most ${limits.file.networksMax} networks`)
      .prefault([...DEFAULT_SETTINGS.trust])
      .describe('Proxies in front: only their Forwarded, X-Forwarded-* and X-Request-Id are believed.'),
  },
  'trust',
);

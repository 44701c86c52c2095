/** `gateway:`, what concerns the gateway as a whole. */
import { z } from 'zod';
import { limits } from '../../core/limits.ts';
import { DEFAULT_CHOICES } from '../../core/traffic/settings.ts';
import { headerName, network } from './values.ts';

export const gateway = z
  .strictObject(
    {
      trust: z
        .array(network(), 'a list of networks')
        .max(limits.file.networksMax, `at most ${limits.file.networksMax} networks`)
        .prefault([...DEFAULT_CHOICES.trust])
        .describe('Proxies in front: only their Forwarded, X-Forwarded-* and X-Request-Id are believed.'),
      geo: z
        .strictObject(
          {
            header: headerName().describe('The header with the country of the client, such as CF-IPCountry.'),
          },
          'a header such as { header: CF-IPCountry }',
        )
        .optional()
        .describe('Who says which country a client is in: a proxy in front, in a header of its own.'),
    },
    'trust and geo',
  )
  .transform(({ geo, ...rest }) => ({
    ...DEFAULT_CHOICES,
    ...rest,
    geo: geo ? { header: geo.header.toLowerCase() } : null,
  }));

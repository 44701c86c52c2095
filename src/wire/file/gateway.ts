/** `gateway:`, what concerns the gateway as a whole. */
import * as z from 'zod';
import { limits } from '../../core/limits.ts';
import { DEFAULT_CHOICES } from '../../core/traffic/settings.ts';
import { listen } from './listen.ts';
import { headerName, network, share, shortOrLong, text, whole } from './values.ts';

const accessLog = shortOrLong(
  'true, or { sample, query }',
  z.literal(true, 'true'),
  z
    .strictObject(
      {
        sample: share()
          .prefault('100%')
          .describe('So many of the requests that went well are written; failed ones always are.'),
        query: z
          .boolean('true or false')
          .prefault(false)
          .describe('Write the part of the path after "?", which may hold secrets.'),
      },
      'sample and query',
    )
    .transform(({ sample, query }) => ({ samplePercent: sample, query })),
  () => ({}),
);

const certificate = z.strictObject(
  {
    certificate: text('a file').describe('PEM: the certificate and what leads to its root.'),
    key: text('a file').describe('Its private key in PEM.'),
  },
  'files such as { certificate: shop.pem, key: shop.key }',
);

const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory';
const EMAIL_PHRASE = 'an e-mail address';
const DIRECTORY_PHRASE = 'a URL that begins with https://';

const acme = z
  .strictObject(
    {
      email: z
        .string(EMAIL_PHRASE)
        .regex(/^[^\s@]+@[^\s@]+$/, EMAIL_PHRASE)
        .optional()
        .describe('Whom the authority tells of trouble. Without it: nobody.'),
      directory: z
        .string(DIRECTORY_PHRASE)
        .regex(/^https:\/\/[^\s/]+\/\S*$/, DIRECTORY_PHRASE)
        .prefault(LETS_ENCRYPT)
        .describe("The authority's directory. To use it is to agree to its terms of service."),
    },
    'email and directory',
  )
  .transform(({ email, directory }) => ({ email: email ?? null, directory }));

const GEO_PHRASE = 'a file or a header, such as { file: country.mmdb } or { header: CF-IPCountry }';

const geo = z
  .strictObject(
    {
      file: text('a file')
        .optional()
        .describe(
          "A file in MaxMind's format with countries: GeoLite2-Country, DB-IP and others. A new one is taken by itself.",
        ),
      header: headerName()
        .optional()
        .describe(
          'The header in which a proxy in front says it, such as CF-IPCountry; it goes before the file.',
        ),
    },
    GEO_PHRASE,
  )
  .refine(({ file, header }) => file !== undefined || header !== undefined, GEO_PHRASE);

export const gateway = z
  .strictObject(
    {
      workers: whole(1, limits.gateway.workersMax)
        .optional()
        .describe(
          `Processes that accept clients. Without it: one per core but one, ${limits.gateway.workersByDefaultMax} at most.`,
        ),
      trust: z
        .array(network(), 'a list of networks')
        .max(limits.file.networksMax, `at most ${limits.file.networksMax} networks`)
        .prefault([...DEFAULT_CHOICES.trust])
        .describe('Proxies in front: only their Forwarded, X-Forwarded-* and X-Request-Id are believed.'),
      geo: geo.optional().describe('Who says which country a client is in, for "country" in rules.'),
      certificates: z
        .array(certificate, 'a list of certificates')
        .max(limits.file.certificatesMax, `at most ${limits.file.certificatesMax} certificates`)
        .prefault([])
        .describe('For services with tls; each client gets the one for its host, others the first.'),
      acme: acme
        .optional()
        .describe(
          'Who gives certificates to hosts with tls that have none. It asks on port 80: see redirect.',
        ),
      redirect: listen()
        .optional()
        .describe('Where plain HTTP is led to https, usually port 80. Without it: nowhere.'),
      metrics: listen('127.0.0.1')
        .optional()
        .describe('Where Prometheus finds /metrics: a port of this machine alone, or "host:port".'),
      accessLog: accessLog
        .optional()
        .describe('Write a line of JSON for each request: true, or { sample, query }.'),
    },
    'workers, trust, geo, certificates, acme, redirect, metrics and accessLog',
  )
  .transform(({ workers, geo: places, acme: authority, redirect, metrics, accessLog: log, ...rest }) => ({
    ...DEFAULT_CHOICES,
    ...rest,
    workers: workers ?? null,
    acme: authority ?? null,
    redirect: redirect ?? null,
    metrics: metrics ?? null,
    accessLog: log ?? null,
    geo: places?.header === undefined ? null : { header: places.header.toLowerCase() },
    countryFile: places?.file ?? null,
  }));

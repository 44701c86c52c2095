/** `traffic:` of a service: where it listens, what it gets, how it drains and holds. */
import * as z from 'zod';
import { limits } from '../../core/limits.ts';
import { edgeFlags } from './flags.ts';
import { listen } from './listen.ts';
import { policyKeys, policyOf } from './policy.ts';
import { sticky } from './sticky.ts';
import { duration, shortOrLong, urlPath, whole } from './values.ts';

const HOST_PHRASE = 'a host name such as shop.example.com or *.example.com, without a port';
const HOST = /^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_-]*)(\.[A-Za-z0-9_][A-Za-z0-9_-]*)*$/;

const route = z
  .strictObject(
    {
      host: z
        .string(HOST_PHRASE)
        .regex(HOST, HOST_PHRASE)
        .optional()
        .describe('Host of the requests; *.example.com matches every name under it. Without it: any host.'),
      path: urlPath()
        .refine((value) => !value.includes('?'), 'a path without "?"')
        .prefault('/')
        .describe('Whole path segments at the start: /api matches /api and /api/x, not /apix.'),
    },
    'a route such as { host: shop.example.com, path: / }',
  )
  .transform(({ host, path }) => ({
    host: host?.toLowerCase() ?? null,
    path: path.replace(/\/+$/, '') || '/',
  }));

const drain = shortOrLong(
  'a duration such as 30s, or { requests, streams }',
  duration(),
  z
    .strictObject(
      {
        requests: duration().prefault('30s').describe('Requests in flight may end for this long.'),
        streams: duration()
          .prefault('10s')
          .describe('WebSockets and event streams get this long to reconnect after they were told to.'),
      },
      'requests and streams',
    )
    .transform(({ requests, streams }) => ({ requestsMs: requests, streamsMs: streams })),
  (ms) => ({ requests: `${ms}ms` }),
);

const hold = shortOrLong(
  'a duration such as 10s, or { for, requests }',
  duration(),
  z
    .strictObject(
      {
        for: duration().prefault('10s').describe('How long a request may wait for an instance.'),
        requests: whole(0, limits.gateway.heldRequestsMax)
          .prefault(1000)
          .describe('How many requests may wait at once.'),
      },
      'for and requests',
    )
    .transform((value) => ({ forMs: value.for, requestsMax: value.requests })),
  (ms) => ({ for: `${ms}ms` }),
);

const TLS_PHRASE = 'true, false or { hsts }';

const tls = z.union(
  [
    z.boolean(TLS_PHRASE).transform((on) => (on ? { hstsMs: null } : null)),
    z
      .strictObject(
        {
          hsts: duration(0, limits.file.keepMaxMs).describe(
            'Tell browsers to use https only, for this long: they keep to it.',
          ),
        },
        TLS_PHRASE,
      )
      .transform(({ hsts }) => ({ hstsMs: hsts })),
  ],
  TLS_PHRASE,
);

export const traffic = z
  .strictObject(
    {
      listen: listen().describe('Where users come in: a port on every address, or "host:port".'),
      tls: tls
        .prefault(false)
        .describe('true: users come by https, with the certificates of "gateway"; or { hsts }.'),
      protocol: z
        .enum(['http1', 'h2c'], 'http1 or h2c')
        .prefault('http1')
        .describe('What the instances speak: HTTP/1.1, or HTTP/2 without TLS, as gRPC servers do.'),
      mode: z
        .enum(['gateway', 'direct'], 'gateway or direct')
        .prefault('gateway')
        .describe('direct: instances accept from the public socket themselves, with no proxy in between.'),
      routes: z
        .array(route, 'a list of routes')
        .min(1, 'at least one route')
        .prefault([{}])
        .describe('Which requests this service gets. Without it: all of them.'),
      drain: drain
        .prefault('30s')
        .describe(
          'How long requests may go on when their instance leaves; a duration or { requests, streams }.',
        ),
      hold: hold
        .prefault('10s')
        .describe('How long requests wait while no instance is ready; a duration or { for, requests }.'),
      response: duration(1).optional().describe('The same as timeouts.response, and goes before it.'),
      sticky: sticky
        .optional()
        .describe('What makes a client meet the same version and instance again. Without it: nothing does.'),
      flags: edgeFlags
        .optional()
        .describe(
          'Flags that the gateway evaluates for each request and tells the instance in a signed header.',
        ),
      slowStart: duration()
        .prefault('0s')
        .describe(
          'How long the part of the requests that a new instance gets grows from a tenth to all of it.',
        ),
      ...policyKeys,
    },
    'where the service listens, such as { listen: 8080 }',
  )
  .transform((value) => ({
    listen: value.listen,
    mode: value.mode,
    routes: value.routes,
    drain: value.drain,
    hold: value.hold,
    responseMs: value.response ?? value.timeouts.response,
    policy: policyOf(value),
    maintenancePage: value.maintenance?.page ?? null,
    sticky: value.sticky ?? null,
    flags: value.flags ?? null,
    slowStartMs: value.slowStart,
    tls: value.tls,
    protocol: value.protocol,
  }));

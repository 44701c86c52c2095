/** The keys of `traffic:` that bound requests and instances: limits, timeouts, ejection, copies, maintenance. */
import * as z from 'zod';
import { limits as bounds } from '../../core/limits.ts';
import type { Policy } from '../../core/traffic/policy.ts';
import { serviceShadow } from './shadow.ts';
import { bytes, duration, network, shortOrLong, text, whole } from './values.ts';

const limits = z.strictObject(
  {
    body: bytes(0).optional().describe('Longest body of a request, else 413. Without it: any length.'),
    requests: whole(1, bounds.gateway.connectionsMax)
      .optional()
      .describe('Requests in flight at one instance; more wait. Without it: any number.'),
    connections: whole(1, bounds.gateway.connectionsMax)
      .optional()
      .describe(
        'Connections in use at one instance, WebSockets and streams included. Without it: any number.',
      ),
    queue: whole(0, bounds.gateway.heldRequestsMax)
      .prefault(1000)
      .describe('How many requests may wait for an instance that has as many as it may.'),
    wait: duration().prefault('5s').describe('How long they may wait, else 503.'),
  },
  'body, requests, connections, queue and wait',
);

const timeouts = z.strictObject(
  {
    response: duration(1).prefault('60s').describe('Longest wait for the beginning of a response.'),
    body: duration(1)
      .prefault('30s')
      .describe("Longest wait for the next part of a request's body, else 408."),
    request: duration(1)
      .optional()
      .describe('Longest time for a whole request, streams excepted. Without it: as long as it takes.'),
    halfClosed: duration(1)
      .prefault('1s')
      .describe(
        'How long a client that ended its side waits for the next word; then it is taken for gone, and its request ends.',
      ),
  },
  'response, body, request and halfClosed',
);

const EJECTION_PHRASE = 'false, or { failures, for }';

const ejection = z.union(
  [
    z.literal(false, EJECTION_PHRASE).transform(() => null),
    z
      .strictObject(
        {
          failures: whole(1, 1000).prefault(5).describe('Failures in a row that put an instance out.'),
          for: duration(1)
            .prefault('10s')
            .describe('How long, the first time; doubled when it soon fails again.'),
        },
        EJECTION_PHRASE,
      )
      .transform((value) => ({ failures: value.failures, forMs: value.for })),
  ],
  EJECTION_PHRASE,
);

const MAINTENANCE_PHRASE = 'true, false, or { status, text, page, retryAfter, allow }';

const maintenanceForm = z
  .strictObject(
    {
      status: whole(200, 599).prefault(503).describe('The status of the answer.'),
      text: text('the text of the answer')
        .prefault('The service is being worked on. Please try again in a while.')
        .describe('What users read.'),
      page: text('the path of a page')
        .optional()
        .describe('A file of HTML beside segue.yaml that users see instead of the text.'),
      retryAfter: duration(1_000)
        .prefault('1m')
        .describe('When programs are told to come back (Retry-After).'),
      allow: z
        .array(network(), 'a list of networks')
        .max(bounds.file.networksMax, `at most ${bounds.file.networksMax} networks`)
        .prefault([])
        .describe('Clients in these networks are served as always.'),
    },
    MAINTENANCE_PHRASE,
  )
  .transform((value) => ({
    page: value.page ?? null,
    answer: {
      status: value.status,
      contentType: 'text/plain; charset=utf-8',
      body: `${value.text}\n`,
      retryAfterS: Math.ceil(value.retryAfter / 1_000),
      allow: value.allow,
    },
  }));

const maintenance = shortOrLong(
  MAINTENANCE_PHRASE,
  z.literal(true, MAINTENANCE_PHRASE),
  maintenanceForm,
  () => ({}),
);

export const policyKeys = {
  limits: limits.prefault({}).describe('Bounds on requests and instances.'),
  timeouts: timeouts.prefault({}).describe('How long things may take.'),
  ejection: ejection
    .prefault({})
    .describe('An instance that keeps failing gets no requests for a while; false: it does.'),
  shadow: serviceShadow
    .optional()
    .describe(
      'Requests are copied to another service, which marks them by "Segue-Shadow: 1"; its answers are dropped.',
    ),
  maintenance: z
    .union([z.literal(false, MAINTENANCE_PHRASE).transform(() => null), maintenance], MAINTENANCE_PHRASE)
    .prefault(false)
    .describe("Every request gets this answer instead of an instance's; true: a short text with status 503."),
};

const keys = z.object(policyKeys);

export function policyOf(value: z.output<typeof keys>): Policy {
  const { body, requests, connections, queue, wait } = value.limits;
  return {
    requestMs: value.timeouts.request ?? null,
    bodyMs: value.timeouts.body,
    halfClosedMs: value.timeouts.halfClosed,
    bodyBytesMax: body ?? null,
    instance: { requestsMax: requests ?? null, connectionsMax: connections ?? null },
    queue: { forMs: wait, requestsMax: queue },
    ejection: value.ejection,
    maintenance: value.maintenance?.answer ?? null,
    shadow: value.shadow ?? null,
  };
}

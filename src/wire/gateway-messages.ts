/**
 * What control and the gateway say to each other: one JSON object per line over the gateway's unix socket.
 * The gateway listens and speaks first (`hello`). Unknown keys are ignored, so that either side may be newer
 * within one protocol number.
 */
import * as z from 'zod';
import { DEFAULT_POLICY, type Maintenance, type Policy, type ShadowPolicy } from '../core/traffic/policy.ts';
import type { Routing } from '../core/traffic/routing.ts';
import { DEFAULT_SETTINGS, type GatewaySettings } from '../core/traffic/settings.ts';
import { rules, shadow as shadowShare, split, sticky } from './balance-messages.ts';
import { edge } from './flag-messages.ts';
import { fromKeeper, listen, toKeeper } from './direct-messages.ts';
import { report } from './report.ts';

export const GATEWAY_PROTOCOL = 1;

const backend = z.object({
  id: z.string(),
  version: z.string(),
  host: z.string(),
  port: z.int().min(1).max(65_535),
});

const bound = z.int().min(1).nullable();

const maintenance: z.ZodType<Maintenance> = z.object({
  status: z.int().min(200).max(599),
  contentType: z.string(),
  body: z.string(),
  retryAfterS: z.int().min(0).nullable(),
  allow: z.array(z.string()),
});

const shadow: z.ZodType<ShadowPolicy> = z.object({
  to: z.string(),
  percent: z.number().min(0).max(100),
  methods: z.array(z.string()),
});

/** Each key has a default that changes nothing: either side may be older. */
const policy: z.ZodType<Policy> = z
  .object({
    requestMs: bound.default(DEFAULT_POLICY.requestMs),
    bodyMs: z.number().default(DEFAULT_POLICY.bodyMs),
    halfClosedMs: z.number().default(DEFAULT_POLICY.halfClosedMs),
    bodyBytesMax: z.int().min(0).nullable().default(DEFAULT_POLICY.bodyBytesMax),
    instance: z.object({ requestsMax: bound, connectionsMax: bound }).default(DEFAULT_POLICY.instance),
    queue: z.object({ forMs: z.number(), requestsMax: z.int() }).default(DEFAULT_POLICY.queue),
    ejection: z
      .object({ failures: z.int().min(1), forMs: z.number() })
      .nullable()
      .default(DEFAULT_POLICY.ejection),
    shadow: shadow.nullable().default(DEFAULT_POLICY.shadow),
    maintenance: maintenance.nullable().default(DEFAULT_POLICY.maintenance),
  })
  .default(DEFAULT_POLICY);

export const settings: z.ZodType<GatewaySettings> = z
  .object({
    workers: z.int().min(1).nullable().default(null),
    trust: z.array(z.string()).default([...DEFAULT_SETTINGS.trust]),
    geo: z.object({ header: z.string() }).nullable().default(null),
    countryFile: z.string().nullable().default(null),
    stickyKey: z.string().nullable().default(null),
    certificates: z.array(z.object({ certificate: z.string(), key: z.string() })).default([]),
    redirect: listen.nullable().default(null),
    challenges: z.array(z.object({ token: z.string(), answer: z.string() })).default([]),
    metrics: listen.nullable().default(null),
    accessLog: z
      .object({ samplePercent: z.number().min(0).max(100), query: z.boolean() })
      .nullable()
      .default(null),
  })
  .prefault({});

export const serviceRouting = z.object({
  service: z.string(),
  listen,
  proxied: z.boolean().default(true),
  routes: z.array(z.object({ host: z.string().nullable(), path: z.string() })),
  backends: z.array(backend),
  split,
  rules,
  shadow: shadowShare,
  sticky,
  flags: edge,
  slowStartMs: z.number().default(0),
  draining: z.array(z.object({ id: z.string(), requestsMs: z.number(), streamsMs: z.number() })),
  hold: z.object({ forMs: z.number(), requestsMax: z.int() }),
  responseMs: z.number(),
  policy,
  tls: z.object({ hstsMs: z.number().nullable() }).nullable().default(null),
  protocol: z.enum(['http1', 'h2c']).default('http1'),
});

export const routing: z.ZodType<Routing> = z.object({
  number: z.int(),
  fence: z.int(),
  services: z.array(serviceRouting),
  settings,
});

/** Control to gateway. */
export const toGateway = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    protocol: z.int(),
    fence: z.int(),
    /** It understands reports that only say what changed. */
    changes: z.boolean().default(false),
    /** It understands rows that each worker counted. */
    workers: z.boolean().default(false),
  }),
  z.object({ type: z.literal('routing'), routing }),
  /** Asks for a report now instead of with the next interval; it carries this number. */
  z.object({ type: z.literal('report'), asked: z.int().default(0) }),
  z.object({ type: z.literal('stop'), graceMs: z.number() }),
  ...toKeeper,
  /** The gateway is to be followed by the one that Node runs from this file. */
  z.object({ type: z.literal('upgrade'), mainFile: z.string() }),
]);
export type ToGateway = z.input<typeof toGateway>;
export type HeardByGateway = z.output<typeof toGateway>;

/** `released`: accepts no more. `retiring`: and its connections end with their next response. */
export const stage = z.enum(['serving', 'released', 'retiring']);
export type Stage = z.infer<typeof stage>;

/** Gateway to control. */
export const fromGateway = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    protocol: z.int(),
    pid: z.int(),
    /** The version of Segue whose code it runs. */
    version: z.string(),
    routing: z.int().nullable(),
  }),
  z.object({
    type: z.literal('ack'),
    number: z.int(),
    failed: z.array(
      z.object({ listen, code: z.enum(['PORT_IN_USE', 'LISTEN_REFUSED']), detail: z.string() }),
    ),
  }),
  /** A routing with an older fence or number (R7), or one that cannot be read. The old one stays in force. */
  z.object({
    type: z.literal('refused'),
    number: z.int().nullable(),
    code: z.enum(['FENCED_OUT', 'BAD_REQUEST']),
    reason: z.string(),
  }),
  z.object({
    type: z.literal('report'),
    report,
    asked: z.int().nullable().default(null),
    workers: z.array(z.object({ pid: z.int(), stage })).default([]),
  }),
  /** Null: another one has followed, and is found under the same name. Else why not; this one goes on. */
  z.object({ type: z.literal('upgraded'), failure: z.string().nullable() }),
  ...fromKeeper,
]);
export type FromGateway = z.output<typeof fromGateway>;

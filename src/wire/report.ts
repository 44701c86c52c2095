/**
 * What the gateway counted, as it crosses a process boundary. Everything that came after the first release has a
 * default, so that either side may be the older one.
 */
import * as z from 'zod';
import { limits } from '../core/limits.ts';
import type { TrafficReport } from '../core/traffic/counts.ts';
import { KEY_CHARS_MAX, KEY_TEXT } from '../core/traffic/key-sketch.ts';
import { NO_GATEWAY_COUNTS } from '../core/traffic/merge-counts.ts';

const count = z.int().min(0);
const answered = z.tuple([count, count, count, count]);
const outcomes = {
  answered,
  failed: count,
  abandoned: count,
  retried: count,
  latency: z.array(z.int()),
  latencySumMs: z.number().default(0),
};
const assignment = {
  service: z.string(),
  version: z.string(),
  group: z.enum(['stable', 'candidate', 'baseline']).nullable(),
  percent: z.number().nullable(),
  rule: z.string().nullable().default(null),
};

const instance = z.object({
  ...outcomes,
  service: z.string(),
  instance: z.string(),
  version: z.string(),
  inFlight: count,
  streams: count,
  requests: count,
  lastRequestAtMs: z.number(),
  longestMs: z.number(),
  bytesIn: count.default(0),
  bytesOut: count.default(0),
  ejected: z.boolean().default(false),
  ejections: count.default(0),
});

const service = z.object({
  service: z.string(),
  heldTotal: count,
  holding: count,
  refused: count,
  turnedAway: count.default(0),
  shadowed: count.default(0),
  shadowsDropped: count.default(0),
  answered: answered.default([0, 0, 0, 0]),
  failed: count.default(0),
  abandoned: count.default(0),
  retried: count.default(0),
});

const failure = z.object({
  ...assignment,
  atMs: z.number(),
  instance: z.string(),
  routing: z.int(),
  session: z.string().nullable(),
  kind: z.enum(['status', 'died', 'garbled', 'late', 'cut']),
  status: z.int().nullable(),
  shared: z
    .object({
      visitor: z.string(),
      flags: z.array(
        z.object({ release: z.string(), flag: z.string(), variant: z.string(), percent: z.number() }),
      ),
    })
    .optional(),
});

const shadow = z.object({
  service: z.string(),
  version: z.string(),
  sent: count,
  dropped: count,
  compared: count,
  copyErrors: count,
  originalErrors: count,
  otherStatus: count,
  otherBody: count,
  slower: count,
  copyLatency: z.array(z.int()),
  originalLatency: z.array(z.int()),
});

const gateway = z.object({
  connections: count,
  connectionsTotal: count,
  unrouted: count,
  malformed: count,
  logDropped: count,
});

const countryFile = z.object({
  file: z.string(),
  madeAtMs: z.number().nullable(),
  trouble: z.string().nullable(),
});

const certificate = z.object({
  certificate: z.string(),
  hosts: z.array(z.string()),
  notAfterMs: z.number().nullable(),
  trouble: z.string().nullable(),
});

const keys = z.string().max(KEY_CHARS_MAX).regex(KEY_TEXT).optional();

const worker = z.string().max(limits.gateway.workerIdCharsMax);

const assigned = z.object({
  ...assignment,
  ...outcomes,
  decisions: count.default(0),
  keys,
  worker: worker.optional(),
});

const flag = z.object({
  ...outcomes,
  service: z.string(),
  flag: z.string(),
  variant: z.string(),
  share: z.object({ release: z.string(), version: z.string(), percent: z.number() }).optional(),
  keys,
  worker: worker.optional(),
});

export const report: z.ZodType<TrafficReport> = z.object({
  atMs: z.number(),
  routing: z.int(),
  whole: z.boolean().default(true),
  instances: z.array(instance),
  services: z.array(service),
  assigned: z.array(assigned).default([]),
  shadows: z.array(shadow).default([]),
  flags: z.array(flag).default([]),
  workers: z.array(worker).nullable().default(null),
  running: z.array(z.object({ routing: z.int(), requests: count, streams: count })).default([]),
  failures: z.array(failure).default([]),
  failuresMissed: count.default(0),
  forgotten: z.array(z.string()).default([]),
  certificates: z.array(certificate).default([]),
  countryFile: countryFile.nullable().default(null),
  gateway: gateway.default({ ...NO_GATEWAY_COUNTS }),
  direct: z.array(z.object({ instance: z.string(), inFlight: count, streams: count })).default([]),
});

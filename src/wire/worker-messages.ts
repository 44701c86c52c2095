/**
 * What the gateway's master and its workers say to each other: one JSON object per line over a unix socket that
 * the master listens on; the worker speaks first (`join`). Workers outlive their master (it is upgraded, or dies)
 * and then join the next one, which may be of another version: unknown keys are ignored, and new ones have
 * defaults.
 */
import * as z from 'zod';
import { listen } from './direct-messages.ts';
import type { ServiceRouting } from '../core/traffic/routing.ts';
import type { RoutingFrame } from '../core/traffic/routing-parts.ts';
import { serviceRouting, settings, stage } from './gateway-messages.ts';
import { report } from './report.ts';

export const WORKER_PROTOCOL = 1;

const frame: z.ZodType<RoutingFrame> = z.object({
  number: z.int(),
  fence: z.int(),
  settings,
  base: z.int().nullable(),
  names: z.array(z.string()),
});

const services: z.ZodType<ServiceRouting[]> = z.array(serviceRouting);

const member = z.object({ id: z.string(), pid: z.int() });

/** Another process of the same gateway. */
export type MemberName = z.infer<typeof member>;

/** Master to worker. */
export const toWorker = z.discriminatedUnion('type', [
  /** A routing comes in parts: this one, its services as far as they changed, and the end. */
  z.object({ type: z.literal('routing-begins'), frame }),
  z.object({ type: z.literal('services'), services }),
  /** `keep`: addresses that it leaves are still listened on. */
  z.object({ type: z.literal('routing-ends'), keep: z.boolean() }),
  /** Asks for a report now instead of with the next interval; it carries this number. */
  z.object({ type: z.literal('report'), asked: z.int() }),
  z.object({ type: z.literal('release') }),
  z.object({ type: z.literal('retire') }),
  z.object({ type: z.literal('stop'), graceMs: z.number() }),
  /**
   * Should this master be lost, the worker of rank 0 starts the next one, with its own sockets; then 1, and so on.
   * Null: not this worker. `members`: all that the next one has to wait for.
   */
  z.object({ type: z.literal('heir'), rank: z.int().nullable(), members: z.array(member) }),
  /** This master lacks sockets that the worker has: the worker is to start one that gets them. */
  z.object({ type: z.literal('rescue') }),
]);
export type ToWorker = z.infer<typeof toWorker>;

/** Worker to master. */
export const fromWorker = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('join'),
    protocol: z.int(),
    id: z.string(),
    pid: z.int(),
    version: z.string(),
    stage,
    /** Keys of the addresses that it accepts on, or could. */
    sockets: z.array(z.string()),
    routing: z.int().nullable(),
  }),
  z.object({
    type: z.literal('ack'),
    number: z.int(),
    failed: z.array(
      z.object({ listen, code: z.enum(['PORT_IN_USE', 'LISTEN_REFUSED']), detail: z.string() }),
    ),
  }),
  /** The first one is whole. `urgent`: something ended that somebody may wait for. */
  z.object({ type: z.literal('report'), report, urgent: z.boolean(), asked: z.int().nullable() }),
  /** The master that this worker started is ready to take over. */
  z.object({ type: z.literal('rescued') }),
]);
export type FromWorker = z.infer<typeof fromWorker>;
export type Join = Extract<FromWorker, { type: 'join' }>;

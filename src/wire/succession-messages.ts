/**
 * How one master of the gateway follows another, over Node's channel between the process that starts it and the
 * new one. The starter is the old master (an upgrade) or a worker whose master is gone. Descriptors are inherited
 * from number 4 on, in the order of `sockets`.
 */
import * as z from 'zod';
import { routing } from './gateway-messages.ts';
import { report } from './report.ts';

export const SUCCESSION_PROTOCOL = 1;

/** 0 to 2 are the standard ones, 3 is the channel. */
export const SUCCESSION_FIRST_FD = 4;

export const toSuccessor = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('take-over'),
    protocol: z.int(),
    /** Addresses of the inherited sockets. `direct`: instances listen there themselves. */
    sockets: z.array(z.object({ host: z.string(), port: z.int(), direct: z.boolean().default(false) })),
    /** Null: none was in force. */
    routing: routing.nullable(),
    fence: z.int(),
    /** Those that serve now and will join the new master, and what it is to do with them. */
    members: z.array(z.object({ id: z.string(), pid: z.int() })),
    afterwards: z.enum(['retire', 'keep']),
  }),
  /** The old one is gone as soon as this is read. `departed`: counts of workers that are gone. */
  z.object({ type: z.literal('yours'), departed: report.nullable() }),
]);
export type ToSuccessor = z.infer<typeof toSuccessor>;
export type TakeOver = Extract<ToSuccessor, { type: 'take-over' }>;

export const fromSuccessor = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  /** It is found under the common names. */
  z.object({ type: z.literal('here') }),
  z.object({ type: z.literal('failed'), reason: z.string() }),
]);
export type FromSuccessor = z.infer<typeof fromSuccessor>;

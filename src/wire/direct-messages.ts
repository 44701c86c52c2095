/**
 * Direct mode between control and the gateway, which keeps the public sockets: a descriptor comes from a parent
 * only, so the gateway starts the instances. The order carries an instance's environment and secret; it goes over
 * a socket that only the owner can open.
 */
import * as z from 'zod';
import { errorCode } from './error-code.ts';

export const listen = z.object({ host: z.string(), port: z.int().min(1).max(65_535) });

const occupant = z.object({
  id: z.string(),
  service: z.string(),
  version: z.string(),
  /** SHA-256, hexadecimal, of the secret that it was started with. */
  tokenHash: z.string(),
  listen,
  pid: z.int(),
  /** In clock ticks after boot, as /proc has it. */
  start: z.string(),
});
/** An instance that shares a public socket, as the keeper of that socket has to know it. */
export type Occupant = Readonly<z.infer<typeof occupant>>;

const launchOrder = occupant.omit({ pid: true, start: true }).extend({
  /** Absolute path of the program. */
  file: z.string(),
  args: z.array(z.string()).readonly(),
  dir: z.string(),
  /** Whole: nothing of the gateway's own is passed on. */
  env: z.record(z.string(), z.string()).readonly(),
  logFile: z.string(),
});
export type LaunchOrder = Readonly<z.infer<typeof launchOrder>>;

/** Control to gateway. */
export const toKeeper = [
  z.object({ type: z.literal('launch'), request: z.int(), order: launchOrder }),
  /** Instances that run and that this gateway may not know: it was started anew, or control was. */
  z.object({ type: z.literal('occupants'), occupants: z.array(occupant).readonly() }),
] as const;

/** Gateway to control. */
export const fromKeeper = [
  z.object({ type: z.literal('launched'), request: z.int(), pid: z.int(), start: z.string() }),
  z.object({ type: z.literal('not-launched'), request: z.int(), code: errorCode, detail: z.string() }),
  z.object({
    type: z.literal('exited'),
    id: z.string(),
    pid: z.int(),
    code: z.int().nullable(),
    signal: z.string().nullable(),
  }),
] as const;

import type { Rotation } from '../traffic/rotation.ts';
import type { FlagFact } from './flag-facts.ts';
import type { SchemaFacts } from './schema.ts';
import type { InstanceRef } from './step.ts';

/** What is true of a service now: all that a strategy may look at. */
export interface Facts {
  readonly service: string;
  /** The version that serves and that a release goes back to; null before the first release. */
  readonly stable: string | null;
  /** How many instances of stable should run. */
  readonly stableInstances: number;
  readonly running: readonly RunningInstance[];
  readonly rotation: Rotation;
  /** The next free number for an instance of this release: `web-r7-1` has number 1. */
  readonly nextInstance: number;
  /** Two versions of it must not run at once; null: they may. */
  readonly alone: Alone | null;
  /** Left out: it serves traffic. */
  readonly worker?: Worker;
  /** Left out or null: no database is released with the code. */
  readonly schema?: SchemaFacts | null;
  /** Flags whose code the service has, or that the release raises; left out: none. */
  readonly flags?: readonly FlagFact[];
}

/** Nothing is routed to it: it works from its start until it is told to stop. */
export interface Worker {
  /** What its jobs get then. */
  readonly drainMs: number;
}

export interface Alone {
  /** How long requests may wait meanwhile (T7). */
  readonly holdMs: number;
  /** The longest that an instance of stable took to get ready; null: not known. */
  readonly readyMs: number | null;
}

export interface RunningInstance extends InstanceRef {
  readonly ready: boolean;
}

/** Requests are answered now: an instance in rotation is ready. */
export function isServed({ running, rotation }: Facts): boolean {
  return running.some(({ id, ready }) => ready && rotation.instances.includes(id));
}

export function instanceId(service: string, release: string, number: number): string {
  return `${service}-${release}-${number}`;
}

/** One more than the highest number that this release's instances have among the given ids. */
export function nextInstanceNumber(service: string, release: string, ids: readonly string[]): number {
  const prefix = instanceId(service, release, 0).slice(0, -1);
  const numbers = ids.filter((id) => id.startsWith(prefix)).map((id) => Number(id.slice(prefix.length)));
  // A service called `web-r7` has instances, too.
  return Math.max(0, ...numbers.filter((number) => Number.isSafeInteger(number))) + 1;
}

import type { Watch } from '../../../core/database/runner.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Connections } from './connection.ts';
import type { Lease } from './lease.ts';

/** What every part of a run needs. */
export interface RunContext {
  readonly connections: Connections;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly chance: () => number;
  readonly lease: Lease;
  readonly change: string;
  readonly watch: Watch;
  readonly lockTimeoutMs: number;
  readonly lockWaitMs: number;
}

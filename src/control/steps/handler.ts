import type { Service } from '../../core/project.ts';
import type { ReleaseRecord } from '../../core/release/records.ts';
import type { Step } from '../../core/release/step.ts';
import type { SchemaWork } from '../database/schema-work.ts';
import type { FlagRaises } from '../flags/flag-raises.ts';
import type { Fleet } from '../fleet.ts';
import type { JudgeDesk } from '../judge-desk.ts';
import type { Ledger } from '../ledger.ts';
import type { ControlPorts } from '../ports.ts';
import type { Happening } from '../release-book.ts';
import type { TrafficDirector } from '../traffic-director.ts';

export interface StepContext {
  readonly release: ReleaseRecord;
  /** The service as the version of this step wants it. */
  readonly spec: Service;
  /** The service as segue.yaml has it now: where its traffic comes in. */
  readonly service: Service;
  readonly direction: 'forward' | 'back';
  /** Of this step in the plan or in the way back, from 0. */
  readonly index: number;
  /** When this step was first begun, by the wall clock; earlier than now after a restart of control. */
  readonly beganAtMs: number;
  /** Two versions of the service must not run at once (R10). */
  readonly alone: boolean;
  readonly ports: ControlPorts;
  readonly ledger: Ledger;
  readonly fleet: Fleet;
  readonly traffic: TrafficDirector;
  readonly judge: JudgeDesk;
  readonly schema: SchemaWork;
  readonly flags: FlagRaises;
  /** Aborted when somebody asks for the way back, or when control ends. */
  readonly signal: AbortSignal;
  /** Writes down what happens in the step, unless the release is somewhere else by now. */
  readonly tell: (happening: Happening) => Promise<void>;
}

/**
 * Carries one kind of step out. It may be called again after a crash at any point of an earlier call, so it
 * looks first and then acts. Resolves with a short note for the journal; throws a SegueError to fail.
 */
export type StepHandler<S extends Step> = (step: S, context: StepContext) => Promise<string>;

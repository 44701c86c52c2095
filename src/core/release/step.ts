import { count, formatDurationMs } from '../units.ts';
import type { Override } from '../flags/override.ts';
import type { OnUnsure } from '../judge/rules.ts';
import type { Rotation } from '../traffic/rotation.ts';

/**
 * The smallest thing that is done, recorded and, if need be, done again. Every step can be applied twice:
 * its handler in `control/steps` looks first, then acts.
 */
export type Step =
  | StartStep
  | ReadyStep
  | SmokeStep
  | RouteStep
  | DrainStep
  | PreviewStep
  | HoldStep
  | ApproveStep
  | JudgeStep
  | BakeStep
  | PromoteStep
  | StopStep
  | AfterStep
  | TogetherStep
  | ExpandStep
  | BackfillStep
  | ContractStep
  | RestoreStep
  | RevertStep
  | FlagStep
  | LowerStep
  | ShareStep;

export interface InstanceRef {
  readonly id: string;
  readonly version: string;
}

export interface StartStep {
  readonly kind: 'start';
  readonly instances: readonly InstanceRef[];
}

/** Waits until all of them passed their readiness check often enough (R3). */
export interface ReadyStep {
  readonly kind: 'ready';
  readonly instances: readonly InstanceRef[];
}

/**
 * `before`: on the instances themselves, without traffic. `after`: through the gateway, as users come. `at-work`: on
 * workers, which work from their start.
 */
export interface SmokeStep {
  readonly kind: 'smoke';
  readonly when: 'before' | 'after' | 'at-work';
  readonly instances: readonly InstanceRef[];
}

/** One routing change: done when the gateway acknowledged it. */
export interface RouteStep {
  readonly kind: 'route';
  readonly rotation: Rotation;
  /**
   * From here on requests wait, and so long the steps up to the next routing may take before the release turns
   * round; null: as long as it takes. Left out: requests are served.
   */
  readonly holdMs?: number | null;
  /** What this does in a person's words, made by the strategy. */
  readonly purpose: string;
}

/** Waits until the gateway has nothing left under way on them, or their limit passed (R2, T3). */
export interface DrainStep {
  readonly kind: 'drain';
  readonly instances: readonly InstanceRef[];
  /** Where others wait meanwhile, requests may not take longer than this, whatever the service says. */
  readonly requestsMs?: number;
}

/** Time for people to look at the candidate by its preview header, before any other traffic meets it. */
export interface PreviewStep {
  readonly kind: 'preview';
  readonly forMs: number;
  readonly instances: readonly InstanceRef[];
}

/** Time at one weight, because the user asked for it. */
export interface HoldStep {
  readonly kind: 'hold';
  readonly forMs: number;
  readonly instances: readonly InstanceRef[];
}

/** Waits until a person, named in the journal, approves what they see. */
export interface ApproveStep {
  readonly kind: 'approve';
  readonly instances: readonly InstanceRef[];
}

/** Waits until the judge has evidence, gathered since the last route step, that the candidate is not worse. */
export interface JudgeStep {
  readonly kind: 'judge';
  /** After this `onUnsure` decides. */
  readonly patienceMs: number;
  readonly onUnsure: OnUnsure;
  readonly instances: readonly InstanceRef[];
}

/** Full traffic on the candidate, watched; what was stable stays as warm as the strategy left it. */
export interface BakeStep {
  readonly kind: 'bake';
  readonly forMs: number;
  readonly instances: readonly InstanceRef[];
}

/** From here on the candidate is stable: the release can no longer be taken back, only rolled back. */
export interface PromoteStep {
  readonly kind: 'promote';
  readonly version: string;
}

export interface StopStep {
  readonly kind: 'stop';
  readonly instances: readonly InstanceRef[];
  /** Workers: they take no more jobs, and those that they have get this long. */
  readonly drainMs?: number;
}

/**
 * Waits for other services of the same release: forward until they have full traffic, or brought the schema that all
 * of them need; back until they left traffic.
 */
export interface AfterStep {
  readonly kind: 'after';
  readonly services: readonly string[];
  readonly until: 'full-traffic' | 'back' | 'schema';
}

/** Full traffic, watched, until every service of the same release is as far: one write promotes them all. */
export interface TogetherStep {
  readonly kind: 'together';
  readonly services: readonly string[];
  readonly instances: readonly InstanceRef[];
}

/** A change of the database, as it was when the plan was made: what was edited since is not run. */
export interface ChangeRef {
  readonly name: string;
  readonly digest: string;
}

/** New columns, triggers, indexes: from here on both versions can run (R6). */
export interface ExpandStep {
  readonly kind: 'expand';
  readonly change: ChangeRef;
}

/** Brings the rows that were there up to date: `begun`, beside the steps that follow; `done`, before the next one. */
export interface BackfillStep {
  readonly kind: 'backfill';
  readonly changes: readonly ChangeRef[];
  readonly until: 'begun' | 'done';
}

/** Takes away what only older versions used: long after the promotion, by its own rules (R6). */
export interface ContractStep {
  readonly kind: 'contract';
  readonly change: ChangeRef;
}

/** Takes a contract back while what it replaced is kept: a version from before it can run again (R6). */
export interface RestoreStep {
  readonly kind: 'restore';
  readonly change: ChangeRef;
}

/** On the way back: takes away what could not be made whole. */
export interface RevertStep {
  readonly kind: 'revert';
  readonly change: ChangeRef;
}

/** One change of a flag: done when all who evaluate it at the edge have it. */
export interface ShareStep {
  readonly kind: 'share';
  readonly flag: string;
  /** Null: as its file says. */
  readonly override: Override | null;
  /** Of those whom no rule matches, who gets the new variant; null: as it was before. */
  readonly percent: number | null;
  readonly purpose: string;
}

/** A flag is raised, as far as the share of the requests whose version has its code (F1). */
export interface FlagStep {
  readonly kind: 'flag';
  readonly flag: string;
  readonly variant: string;
  readonly percent: number;
}

/** Flags go down before requests go to a version that has not their code (F2). */
export interface LowerStep {
  readonly kind: 'lower';
  readonly flags: readonly string[];
  /** The version that requests go to then; null: none. */
  readonly for: string | null;
}

const names = (instances: readonly InstanceRef[]) => instances.map((i) => i.id).join(', ');

const SMOKES = {
  before: 'smoke test before traffic',
  after: 'smoke test through the gateway',
  'at-work': 'smoke test',
} as const;

const REACHED = {
  'full-traffic': 'has full traffic',
  back: 'left traffic',
  schema: 'brought the database up to date',
} as const;

const UNSURE = { hold: 'then a person decides', promote: 'then on all the same', back: 'then back' } as const;

const unsure = ({ patienceMs, onUnsure }: JudgeStep) =>
  ` (${formatDurationMs(patienceMs)} at most, ${UNSURE[onUnsure]})`;

/** One line for plans, progress and timelines. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'start':
      return `start ${count(step.instances.length, 'instance')} of ${step.instances[0]?.version ?? '-'} (${names(step.instances)})`;
    case 'ready':
      return `wait until ready: ${names(step.instances)}`;
    case 'smoke':
      return SMOKES[step.when];
    case 'route':
      return `route: ${step.purpose}`;
    case 'drain':
      return `drain ${names(step.instances)}`;
    case 'preview':
      return `preview for ${formatDurationMs(step.forMs)}`;
    case 'hold':
      return `hold for ${formatDurationMs(step.forMs)}`;
    case 'approve':
      return 'wait for approval';
    case 'judge':
      return `until evidence that it is not worse${unsure(step)}`;
    case 'bake':
      return `bake for ${formatDurationMs(step.forMs)}`;
    case 'promote':
      return `promote ${step.version} to stable`;
    case 'stop':
      return step.drainMs === undefined
        ? `stop ${names(step.instances)}`
        : `tell ${names(step.instances)} to stop; jobs get ${formatDurationMs(step.drainMs)}`;
    case 'after':
      return `wait until ${step.services.join(', ')} ${REACHED[step.until]}`;
    case 'together':
      return `wait until ${step.services.join(', ')} can be promoted, too`;
    case 'expand':
      return `expand ${step.change.name}`;
    case 'backfill':
      return `${step.until === 'begun' ? 'begin the backfill of' : 'backfill'} ${step.changes.map(({ name }) => name).join(', ')}`;
    case 'contract':
      return `contract ${step.change.name}`;
    case 'restore':
      return `take back the contract of ${step.change.name}`;
    case 'revert':
      return `take back ${step.change.name}`;
    case 'share':
      return step.purpose;
    case 'flag':
      return `flag ${step.flag}: ${step.variant} for ${step.percent === 100 ? 'everybody' : `${step.percent}%`}`;
    case 'lower':
      return `lower ${step.flags.join(', ')}`;
  }
}

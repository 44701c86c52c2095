/** What the CLI asks control about flags, under `/v1/flags`. Programs ask by OFREP instead. */
import * as z from 'zod';
import type { FlagChange, PendingChange } from '../core/flags/change.ts';
import type { FlagDefinition, FlagNotes } from '../core/flags/definition.ts';
import type { Evaluation } from '../core/flags/evaluation.ts';
import type { Trace } from '../core/flags/logic.ts';
import type { Override } from '../core/flags/override.ts';
import type { StaleCause } from '../core/flags/stale.ts';
import type { FlagUsage } from '../core/flags/usage.ts';
import { limits } from '../core/limits.ts';
import { anyJson } from './flag-messages.ts';

const by = z.string().min(1).max(120);
const reason = z.string().max(limits.release.reasonCharsMax);
const weight = z.int().min(0).max(1_000_000);

/** Even further than the versions with its code have requests, or without the schema that it needs. */
const anyway = z.boolean().optional();

/** POST /v1/flags/:flag/change */
export const flagChangeRequest = z.strictObject({
  by,
  reason,
  anyway,
  to: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('on') }),
    z.strictObject({ type: z.literal('off') }),
    z.strictObject({ type: z.literal('variant'), variant: z.string().min(1) }),
    z.strictObject({
      type: z.literal('shares'),
      shares: z
        .array(z.strictObject({ variant: z.string().min(1), weight }))
        .min(1)
        .max(100),
    }),
    /** As the file says it again. */
    z.strictObject({ type: z.literal('file') }),
    /** In flagd's format; `isNew`: there must not be one of this name yet. */
    z.strictObject({ type: z.literal('definition'), definition: anyJson, isNew: z.boolean() }),
  ]),
});
export type FlagChangeRequest = z.infer<typeof flagChangeRequest>;

/** POST /v1/flags/:flag/rollout; answered as an order is, with the release that begins. */
export const flagRolloutRequest = z.strictObject({
  by,
  reason,
  to: z.string().min(1),
  /** Null: whatever those have whom no rule matches. */
  from: z.string().min(1).nullable(),
  /** Rising; everybody comes after the last one. */
  percents: z
    .array(z.int().min(1).max(100))
    .min(1)
    .max(limits.file.stagesMax)
    .refine((all) => all.every((percent, at) => percent > (all[at - 1] ?? 0)), 'steps rise'),
  evidence: z.boolean(),
  forMs: z.number().min(0).max(limits.file.durationMaxMs),
  approve: z.boolean(),
  /** Whose requests are judged; null: of all that evaluate it at the edge. */
  service: z.string().nullable(),
});
export type FlagRolloutRequest = z.infer<typeof flagRolloutRequest>;

/** POST /v1/flag-changes/:number/{undo,approve} */
export const flagWordRequest = z.strictObject({ by, reason, anyway });
export type FlagWordRequest = z.infer<typeof flagWordRequest>;

/** POST /v1/flags/:flag/evaluate */
export const flagEvaluateRequest = z.strictObject({ context: z.record(z.string(), anyJson) });

/** `waiting`: somebody else has to approve it first. */
export type FlagChangeResponse =
  | { readonly type: 'changed'; readonly number: number; readonly change: FlagChange }
  | { readonly type: 'waiting'; readonly pending: PendingChange };

export interface FlagStatus {
  readonly flag: string;
  readonly definition: FlagDefinition;
  readonly notes: FlagNotes;
  /** Null: it is as its file says. */
  readonly override: Override | null;
  /** Null: no file has it. */
  readonly file: string | null;
  readonly line: number | null;
  readonly usage: FlagUsage | null;
  /** Empty: it is in use. */
  readonly stale: readonly StaleCause[];
  readonly knownSinceMs: number;
  /** Percent of those who ask that may get more than its lowest variant. */
  readonly raised: number;
  /** Why it may not be at 100% now; null: it may. */
  readonly limit: string | null;
}

/** GET /v1/flags */
export interface FlagsResponse {
  readonly flags: readonly FlagStatus[];
  /** What is wrong with the files as they are now; empty: they are in force. */
  readonly trouble: readonly string[];
  readonly pending: readonly PendingChange[];
  /** Where programs ask from other machines; null: nowhere. */
  readonly ofrep: string | null;
  readonly streams: number;
}

/** GET /v1/flag-changes?flag=&limit=; the newest first. */
export interface FlagChangesResponse {
  readonly changes: readonly {
    readonly number: number;
    readonly atMs: number;
    readonly change: FlagChange;
  }[];
}

export interface FlagEvaluationResponse {
  readonly evaluation: Evaluation;
  /** What was looked at, in the order in which it was known. */
  readonly trace: readonly Trace[];
}

/** Beside the status of the rest; null: there are no flags. */
export interface FlagsSummary {
  readonly flags: number;
  readonly changed: number;
  readonly waiting: number;
  readonly trouble: readonly string[];
}

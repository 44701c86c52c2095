/** What control keeps of the database beside its journal, for a later control; the database itself has the last word. */
import * as z from 'zod';
import { errorCode } from './error-code.ts';

const change = z.object({
  name: z.string(),
  digest: z.string(),
  reach: z.enum(['new', 'expanded', 'filled', 'contracted', 'finished']),
  keepMs: z.number(),
  comesBack: z.boolean().default(false),
  halfway: z.enum(['contract', 'restore']).nullable().default(null),
});

const failure = z.object({
  atMs: z.number(),
  // Another version of Segue may have had codes that this one has not.
  error: z.object({ code: errorCode.catch('UNEXPECTED'), detail: z.string() }),
});

const contract = z.object({
  freeSinceMs: z.number().nullable(),
  againSinceMs: z.number().nullable().default(null),
  word: z.object({ by: z.string(), reason: z.string() }).nullable(),
  begun: z.boolean(),
  failed: failure.nullable().default(null),
});

export const schemaMemory = z.object({
  /** In the order in which they run; those that were there before Segue are left out. */
  changes: z.array(change),
  contracts: z.record(z.string(), contract),
});
export type SchemaMemory = Readonly<z.infer<typeof schemaMemory>>;

/** What control keeps of the database beside its journal, for a later control; the database itself has the last word. */
import { z } from 'zod';

const change = z.object({
  name: z.string(),
  digest: z.string(),
  reach: z.enum(['new', 'expanded', 'filled', 'contracted', 'finished']),
  keepMs: z.number(),
  comesBack: z.boolean().default(false),
});

const contract = z.object({
  freeSinceMs: z.number().nullable(),
  againSinceMs: z.number().nullable().default(null),
  word: z.object({ by: z.string(), reason: z.string() }).nullable(),
  begun: z.boolean(),
});

export const schemaMemory = z.object({
  /** In the order in which they run; those that were there before Segue are left out. */
  changes: z.array(change),
  contracts: z.record(z.string(), contract),
});
export type SchemaMemory = Readonly<z.infer<typeof schemaMemory>>;

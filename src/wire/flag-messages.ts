/** Flags as they travel to the gateway. */
import * as z from 'zod';
import type { EdgeRouting } from '../core/flags/edge.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/flags/json.ts';

/** What a definition can hold. */
export const anyJson: z.ZodType<Json> = z.json();
const object: z.ZodType<JsonObject> = z.custom<JsonObject>((value: unknown) => {
  const parsed = anyJson.safeParse(value);
  return parsed.success && isJsonObject(parsed.data);
});

const definition = z.object({
  state: z.enum(['ENABLED', 'DISABLED']),
  variants: z.record(z.string(), z.json()),
  defaultVariant: z.string().nullable(),
  targeting: object.nullable(),
  metadata: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

export const edge: z.ZodType<EdgeRouting | null> = z
  .object({
    key: z.object({ type: z.enum(['cookie', 'header']), name: z.string() }).nullable(),
    flags: z.array(z.string()),
    definitions: z.record(z.string(), definition),
    shares: z
      .record(
        z.string(),
        z.object({ release: z.string(), to: z.string(), percent: z.number(), mark: definition }),
      )
      .optional(),
    without: z.record(z.string(), z.record(z.string(), z.string().nullable())).optional(),
  })
  .nullable()
  .default(null);

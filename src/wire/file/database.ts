import * as z from 'zod';
import { limits } from '../../core/limits.ts';
import type { Contradiction } from './checks.ts';
import { duration, name, text } from './values.ts';

const DATABASE_URL = 'an address such as postgres://user@host/name, or env:NAME';
const AFTER = 'manual, or a duration such as 1d';

const contract = z
  .strictObject(
    {
      after: z
        .union([z.literal('manual'), duration(0, limits.file.keepMaxMs)], AFTER)
        .prefault('manual')
        .describe('How long nothing may need the old schema before it goes; manual: a person says so.'),
      clients: z
        .array(text('a name'), 'a list of names')
        .max(limits.schema.clientsMax, `at most ${limits.schema.clientsMax} names`)
        .prefault([])
        .describe('Names (application_name) of other programs that do not need the old schema.'),
    },
    'after and clients',
  )
  .transform(({ after, clients }) => ({ afterMs: after === 'manual' ? null : after, clients }));

export const database = z.strictObject(
  {
    url: z
      .string(DATABASE_URL)
      .regex(/^(?:env:[A-Za-z_][A-Za-z0-9_]*|postgres(?:ql)?:\/\/.+)$/, DATABASE_URL)
      .describe('Address of the PostgreSQL database. env:NAME takes it from the environment.'),
    changes: text('a folder').prefault('db/changes').describe('The folder of the changes.'),
    services: z
      .array(name(), 'names of services')
      .min(1, 'at least one service')
      .max(limits.file.servicesMax, `at most ${limits.file.servicesMax} services`)
      .optional()
      .describe('The services that use it, and with whose releases changes go; left out: all of them.'),
    contract: contract.prefault({}).describe('When what only older versions used is taken away.'),
  },
  'url, changes, services and contract',
);

export function checkDatabase(
  services: Readonly<Record<string, unknown>>,
  using: readonly string[] | undefined,
): Contradiction[] {
  return (using ?? []).flatMap((each, index) =>
    Object.hasOwn(services, each)
      ? []
      : [{ paths: [['database', 'services', index]], message: `there is no service ${each}` }],
  );
}

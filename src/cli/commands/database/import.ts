import type { Verb } from '../../verb.ts';

export const importVerb: Verb = {
  name: 'import',
  summary: "take an ORM's migration apart into expand.sql, backfill.sql, contract.sql and revert.sql",
  arguments: [
    {
      name: 'migration',
      required: true,
      summary: 'a migration as SQL, or a folder of them',
      completes: 'file',
    },
  ],
  options: [
    {
      flag: 'from',
      value: 'TOOL',
      summary: 'prisma, drizzle, knex, rails or sql (default: by what is in it)',
      completes: ['prisma', 'drizzle', 'knex', 'rails', 'sql'],
    },
    { flag: 'to', value: 'DIR', summary: 'folder of the changes (default: db/changes)', completes: 'folder' },
    { flag: 'name', value: 'NAME', summary: 'name of the change (default: that of the file)' },
    { flag: 'postgres', value: 'VERSION', summary: 'of the server, such as 16 (default: 14)' },
    { flag: 'dry-run', value: null, summary: 'show the files and write none' },
    { flag: 'force', value: null, summary: 'write a change anew that is there under this name' },
  ],
  examples: [
    'segue database import prisma/migrations/20260301_add_age/migration.sql',
    'segue database import drizzle --from drizzle --dry-run',
  ],
  // Loaded here and not above, as for lint.
  run: async (input, shell) => (await import('../../import/run.ts')).runImport(input, shell),
};

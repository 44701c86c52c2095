import { CHANGE, LOCKS, PLACE } from '../../database-session.ts';
import type { Verb } from '../../verb.ts';

export const rehearse: Verb = {
  name: 'rehearse',
  summary:
    'try a change on a throwaway copy, under load of both versions: there, back and there again; the database itself stays as it is',
  arguments: [
    {
      ...CHANGE,
      summary:
        'name of its folder, or the number it begins with (default: all that are not finished, in order)',
    },
  ],
  options: [
    {
      flag: 'copy',
      value: 'WHAT',
      summary:
        'schema: the tables, with rows that are made up (default); template: the database, rows and all; or a dump',
      completes: ['schema', 'template'],
    },
    { flag: 'rows', value: 'N', summary: 'rows for each table of --copy schema (default: 10000)' },
    {
      flag: 'on',
      value: 'URL',
      summary: 'make the copy on another server, env:NAME too (default: the same one)',
    },
    {
      flag: 'old-queries',
      value: 'FILE',
      summary: 'what the old version sends (default: what the change says, or made up)',
      completes: 'file',
    },
    {
      flag: 'new-queries',
      value: 'FILE',
      summary: 'what the new version sends, likewise',
      completes: 'file',
    },
    { flag: 'clients', value: 'N', summary: 'sessions of each version (default: 4)' },
    { flag: 'rate', value: 'N', summary: 'statements of each version in a second (default: 100)' },
    { flag: 'stay', value: 'TIME', summary: 'how long both versions run between two acts (default: 2s)' },
    {
      flag: 'limit',
      value: 'TIME',
      summary: 'how long a statement may wait for the change (default: --lock-timeout and 100ms)',
    },
    { flag: 'no-contract', value: null, summary: 'end before the contract' },
    {
      flag: 'record',
      value: 'FILE',
      summary: 'rehearse nothing: write what the database was asked most often (pg_stat_statements)',
      completes: 'file',
    },
    ...PLACE,
    ...LOCKS,
  ],
  examples: [
    'segue database rehearse',
    'segue database rehearse 0007 --copy template',
    'segue database rehearse --copy nightly.dump --on postgres://localhost/postgres',
    'segue database rehearse --record old.sql && segue database rehearse --old-queries old.sql',
  ],
  // Loaded here and not above, as for lint.
  run: async (input, shell) => (await import('../../rehearsal/run.ts')).runRehearsal(input, shell),
};

/** `segue database`: verbs of its own. A new one is a file here and a line below. */
import { groupOf } from '../../verb.ts';
import { importVerb } from './import.ts';
import { lint } from './lint.ts';

export const database = groupOf(
  'database',
  'changes of a PostgreSQL schema: checked, planned, made in steps that can be taken back',
  [lint, importVerb],
);

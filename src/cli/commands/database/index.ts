/** `segue database`: verbs of its own. A new one is a file here and a line below. */
import { groupOf } from '../../verb.ts';
import { adopt } from './adopt.ts';
import { backfill } from './backfill.ts';
import { contract } from './contract.ts';
import { expand } from './expand.ts';
import { importVerb } from './import.ts';
import { lint } from './lint.ts';
import { newChange } from './new.ts';
import { plan } from './plan.ts';
import { rehearse } from './rehearse.ts';
import { revert } from './revert.ts';
import { status } from './status.ts';

export const database = groupOf(
  'database',
  'changes of a PostgreSQL schema: checked, planned, made in steps that can be taken back; needs no segue.yaml',
  [newChange, importVerb, lint, plan, rehearse, status, expand, backfill, contract, revert, adopt],
);

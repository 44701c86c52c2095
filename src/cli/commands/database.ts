import type { VerbGroup } from '../verb.ts';
import { adopt } from './database/adopt.ts';
import { backfill } from './database/backfill.ts';
import { contract } from './database/contract.ts';
import { expand } from './database/expand.ts';
import { newChange } from './database/new.ts';
import { plan } from './database/plan.ts';
import { revert } from './database/revert.ts';
import { status } from './database/status.ts';

export const database: VerbGroup = {
  name: 'database',
  summary: 'change the database while old and new code run; needs no segue.yaml',
  verbs: [newChange, plan, status, expand, backfill, contract, revert, adopt],
};

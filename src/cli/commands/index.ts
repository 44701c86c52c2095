/** The table of verbs, in the order of the help. A new verb is a file here and a line below. */
import type { Verb } from '../verb.ts';
import { abort } from './abort.ts';
import { approve } from './approve.ts';
import { check } from './check.ts';
import { complete } from './complete.ts';
import { completionOf } from './completion.ts';
import { database } from './database/index.ts';
import { deploy } from './deploy.ts';
import { down } from './down.ts';
import { flags } from './flags.ts';
import { init } from './init.ts';
import { logs } from './logs.ts';
import { pause } from './pause.ts';
import { plan } from './plan.ts';
import { promote } from './promote.ts';
import { releases } from './releases.ts';
import { resume } from './resume.ts';
import { rollback } from './rollback.ts';
import { show } from './show.ts';
import { status } from './status.ts';
import { traffic } from './traffic.ts';
import { up } from './up.ts';

export const VERBS: readonly Verb[] = [
  init,
  check,
  up,
  plan,
  deploy,
  status,
  traffic,
  releases,
  show,
  logs,
  flags,
  approve,
  promote,
  pause,
  resume,
  rollback,
  abort,
  database,
  down,
  completionOf(() => VERBS),
  complete,
];

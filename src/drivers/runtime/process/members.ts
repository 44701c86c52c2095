import { isLive, type ProcessStat } from './proc-parse.ts';
import { keyOf, readAll, withSecret, type ProcessId } from './process-table.ts';

/** What is known about the processes of one instance. */
export interface Kin {
  /** Null when the leader was gone before it was ever seen. */
  readonly leader: ProcessId | null;
  readonly secretHash: string;
  /** Processes that once were recognised: they stay recognised when their leader and parents are gone. */
  readonly seen: Set<string>;
}

/**
 * Every living process that the instance consists of: the leader's session and group, what carries the
 * secret (it left the session), what was seen before, and the children of all of these.
 */
export async function findMembers(kin: Kin): Promise<readonly ProcessStat[]> {
  const { young, known } = relatives(kin, readAll());
  const knownKeys = new Set(known.map(keyOf));
  const strayed = await withSecret(
    young.filter((s) => !knownKeys.has(keyOf(s))),
    kin.secretHash,
  );
  const members = withDescendants([...known, ...strayed], young);
  for (const member of members) kin.seen.add(keyOf(member));
  return members;
}

/** The same without a look into every other process: what left the session and its parents is missed. */
export function nearMembers(kin: Kin, all: readonly ProcessStat[]): readonly ProcessStat[] {
  const { young, known } = relatives(kin, all);
  return withDescendants(known, young);
}

function relatives({ leader, seen }: Kin, all: readonly ProcessStat[]) {
  // The number of a session stays taken while its leader is there, dead or alive; after that it may be another's.
  const led = leader !== null && all.some((stat) => keyOf(stat) === keyOf(leader));
  const oldestStart = Number(leader?.start ?? 0);
  const young = all.filter((s) => isLive(s) && Number(s.start) >= oldestStart && s.pid !== process.pid);
  const known = young.filter(
    (s) => seen.has(keyOf(s)) || (led && (s.session === leader.pid || s.group === leader.pid)),
  );
  return { young, known };
}

export function withDescendants(
  roots: readonly ProcessStat[],
  all: readonly ProcessStat[],
): readonly ProcessStat[] {
  const family = new Map(roots.map((stat) => [stat.pid, stat]));
  for (let grown = true; grown;) {
    const children = all.filter((stat) => !family.has(stat.pid) && family.has(stat.parent));
    for (const child of children) family.set(child.pid, child);
    grown = children.length > 0;
  }
  return [...family.values()];
}

/**
 * To be called in the moment in which the leader is seen to have ended: its session's number cannot have come
 * round yet, so what is in that session is what it left behind.
 */
export function rememberSession({ leader, seen }: Kin): void {
  if (!leader) return;
  const all = readAll();
  if (all.some((stat) => stat.pid === leader.pid && stat.start !== leader.start)) return;
  for (const stat of all) {
    if (stat.session === leader.pid || stat.group === leader.pid) seen.add(keyOf(stat));
  }
}

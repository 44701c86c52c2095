import { limits } from '../../../core/limits.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { StopReport } from '../../../ports/runtime.ts';
import { findMembers, rememberSession, type Kin } from './members.ts';
import type { ProcessStat } from './proc-parse.ts';
import { keyOf, readLive } from './process-table.ts';

/** A deadline that a second call of `stop` may bring nearer. */
export interface StopDeadline {
  readonly signal: NodeJS.Signals;
  /** They have had the signal. */
  readonly told: boolean;
  readonly onTold: () => void;
  killAtMs: number;
}

/** Stops an instance whole: signal, time, SIGKILL, to everything that belongs to it. */
export async function stopWhole(kin: Kin, order: StopDeadline, clock: Clock): Promise<StopReport> {
  const startedAtMs = clock.monotonicMs();
  const report = (how: StopReport['how']): StopReport => ({ how, tookMs: clock.monotonicMs() - startedAtMs });

  const members = await findMembers(kin);
  if (members.length === 0) return report('gone');
  if (!order.told) {
    deliver(order.signal, kin, members);
    order.onTold();
  }
  if (await endBy(kin, members, order.signal, () => order.killAtMs, clock)) return report('signal');

  const left = await findMembers(kin);
  deliver('SIGKILL', kin, left);
  const giveUpAtMs = clock.monotonicMs() + limits.runtime.killWaitMs;
  return report((await endBy(kin, left, 'SIGKILL', () => giveUpAtMs, clock)) ? 'kill' : 'failed');
}

/**
 * Waits for the end of members that were told. They are watched cheaply; whenever one has ended, others are
 * looked for, because it may have left children. Those get the signal too, but not what a member that still
 * lives starts in order to end well.
 */
async function endBy(
  kin: Kin,
  first: readonly ProcessStat[],
  signal: NodeJS.Signals,
  deadlineMs: () => number,
  clock: Clock,
): Promise<boolean> {
  const told = new Set(first.map(keyOf));
  const startedAtMs = clock.monotonicMs();
  let watched = first;
  let led = leaderLives(kin);
  while (true) {
    const live = watched.filter((member) => readLive(member) !== null);
    if (live.length < watched.length || live.length === 0) {
      if (led && !leaderLives(kin)) {
        led = false;
        rememberSession(kin);
      }
      watched = await findMembers(kin);
      if (watched.length === 0) return true;
      for (const orphan of signal === 'SIGKILL' ? watched : orphansOf(watched, told)) {
        if (readLive(orphan)) send(orphan.pid, signal);
        told.add(keyOf(orphan));
      }
    }
    if (clock.monotonicMs() >= deadlineMs()) return false;
    await clock.sleep(pollDelayMs(clock.monotonicMs() - startedAtMs));
  }
}

/** Most programs end within milliseconds, and a release waits for them; those that drain for long need no haste. */
function pollDelayMs(elapsedMs: number): number {
  return Math.min(limits.runtime.stopPollIntervalMs, Math.max(1, elapsedMs / 10));
}

function leaderLives({ leader }: Kin): boolean {
  return leader !== null && readLive(leader) !== null;
}

/** Members that were not told to stop and have no living forebear that was. */
export function orphansOf(
  members: readonly ProcessStat[],
  told: ReadonlySet<string>,
): readonly ProcessStat[] {
  const byPid = new Map(members.map((member) => [member.pid, member]));
  const isInCare = (member: ProcessStat): boolean => {
    const parent = byPid.get(member.parent);
    return parent !== undefined && (told.has(keyOf(parent)) || isInCare(parent));
  };
  return members.filter((member) => !told.has(keyOf(member)) && !isInCare(member));
}

/**
 * Each member is looked at once more right before its signal, because a pid may have come round. The
 * leader's group gets one signal as a whole: that also reaches a child forked in this instant.
 */
function deliver(signal: NodeJS.Signals, kin: Kin, members: readonly ProcessStat[]): void {
  let groupTold = false;
  for (const member of members) {
    const now = readLive(member);
    if (!now) continue;
    const inGroup = kin.leader !== null && now.group === kin.leader.pid;
    if (inGroup && groupTold) continue;
    send(inGroup ? -now.group : now.pid, signal);
    groupTold ||= inGroup;
  }
}

/** ESRCH: it ended by itself. EPERM: it became another user's, and is reported as not stopped. */
function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    return;
  }
}

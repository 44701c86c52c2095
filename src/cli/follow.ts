/**
 * Watching a release to its end. The release lives in control, not here: a control that dies is waited for,
 * and Ctrl-C ends the watching only (STILL_RUNNING).
 */
import { ERRORS, SegueError } from '../core/errors.ts';
import { describeStandingWhole } from '../core/judge/standing.ts';
import { limits } from '../core/limits.ts';
import type { Entry } from '../core/release/journal.ts';
import type { ReleaseRecord } from '../core/release/records.ts';
import type { ReleaseResponse } from '../wire/api.ts';
import type { ControlClient } from './client.ts';
import { advance, beginProgress, hasReached } from './progress.ts';
import { renderEnding } from './render/ending.ts';
import { progressLine, renderAlone, renderTitle, renderTogether } from './render/progress.ts';
import { clockTime } from './render/style.ts';
import type { Shell } from './shell.ts';
import { type Asked, followStandings, StandingLines, type Told } from './standings.ts';

export interface Watched {
  readonly client: ControlClient;
  readonly release: ReleaseRecord;
}

/** An order that Ctrl-C left unanswered may be carried out all the same, and that has to be said. */
export async function order<T>(service: string, shell: Shell, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!shell.interrupted.aborted || error instanceof SegueError) throw error;
    const how = `It was being prepared. See: segue status. Take back: segue abort ${service}.`;
    throw new SegueError('STILL_RUNNING', how);
  }
}

/** Shows the release, and those of its group, until they end, then the receipts. Gives the exit code. */
export async function watchToEnd(watched: Watched, shell: Shell, json: boolean): Promise<number> {
  return watch(watched, shell, json, () => Promise.resolve(false));
}

/**
 * The same, for who must not wait for people: without somebody at the terminal (CI) it ends where the release
 * goes on only when a person says so.
 */
export async function watchToGate(watched: Watched, shell: Shell, json: boolean): Promise<number> {
  if (shell.screen.live && !json) return watchToEnd(watched, shell, json);
  // Whether it waits, control knows: an entry may be long past.
  return watch(
    watched,
    shell,
    json,
    async (entry, { id }) => mayWait(entry) && (await watched.client.release(id)).summary.waiting !== null,
  );
}

/** True: enough was seen of all of them. */
type Enough = (entry: Entry, release: ReleaseRecord) => Promise<boolean>;
type Taken = (entry: Entry, release: ReleaseRecord) => void;

async function watch(watched: Watched, shell: Shell, json: boolean, enough: Enough): Promise<number> {
  const { client, release } = watched;
  const others = (release.group ?? []).filter((member) => member.release !== release.id);
  const found = await Promise.all(others.map((other) => client.release(other.release)));
  const releases = [release, ...found.map((each) => each.release)].toSorted((a, b) => compareIds(a.id, b.id));
  const take = (taken: Taken) => takeAll(client, releases, shell, taken, enough);
  if (json) await take(() => undefined);
  else if (shell.screen.live) await drawAll({ client, releases }, shell, take);
  else await listAll({ client, releases }, shell, take);
  const ended = await Promise.all(releases.map(({ id }) => client.release(id)));
  const [only] = ended;
  if (json) shell.screen.json(ended.length === 1 ? only : { releases: ended });
  else shell.screen.print(ended.flatMap((each) => ['', ...renderEnding(each, shell.screen.paint)]));
  return worstOf(ended.map(exitCodeOf));
}

/** `r9` before `r10`. */
function compareIds(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : 1);
}

/** Of several that are finished or taken back as one: what asks most of a person. */
function worstOf(codes: readonly number[]): number {
  const { RELEASE_STUCK, STILL_RUNNING, RELEASE_ABORTED } = ERRORS;
  const ranking: readonly number[] = [RELEASE_STUCK.exit, STILL_RUNNING.exit, RELEASE_ABORTED.exit];
  return ranking.find((code) => codes.includes(code)) ?? 0;
}

/** Every entry of all of them, until they have ended or enough was seen of one. */
async function takeAll(
  client: ControlClient,
  releases: readonly ReleaseRecord[],
  shell: Shell,
  taken: Taken,
  enough: Enough,
): Promise<void> {
  const stop = new AbortController();
  const following = client.until(stop.signal);
  const follow = async (release: ReleaseRecord) => {
    for await (const entry of entriesToEnd({ client: following, release }, shell)) {
      taken(entry, release);
      if (await enough(entry, release)) stop.abort();
      if (stop.signal.aborted) return;
    }
  };
  const ends = releases.map((release) =>
    follow(release).catch((error: unknown) => {
      if (stop.signal.aborted) return;
      stop.abort();
      throw error;
    }),
  );
  await Promise.all(ends);
}

type Take = (taken: Taken) => Promise<void>;

type Shown = Omit<Asked, 'told'>;

/** Asks how they stand for as long as that takes. */
async function besides(asked: Asked, shell: Shell, shown: () => Promise<void>): Promise<void> {
  const finished = new AbortController();
  const standings = followStandings(asked, shell, finished.signal);
  try {
    await shown();
  } finally {
    finished.abort();
    await standings;
  }
}

async function listAll({ client, releases }: Shown, shell: Shell, take: Take): Promise<void> {
  const { paint } = shell.screen;
  const progress = new Map(releases.map((release) => [release.id, beginProgress(release)]));
  shell.screen.print([...progress.values()].map((each) => renderTitle(each, paint)));
  const print = (service: string, line: string) => {
    const whose = releases.length > 1 ? `${paint('bold', service)}: ` : '';
    shell.screen.print([`${whose}${line}`]);
  };
  const lines = new StandingLines();
  const told: Told = (id, standing, step) => {
    const seen = progress.get(id);
    if (!seen || !hasReached(seen, step)) return;
    const nowMs = shell.time.nowMs();
    const line = lines.next(id, standing, nowMs);
    if (line !== null) print(seen.service, `${paint('dim', clockTime(nowMs))}   ${line}`);
  };
  const list = () =>
    take((entry, release) => {
      const before = progress.get(release.id) ?? beginProgress(release);
      const line = progressLine(before, entry, paint);
      if (line !== null) print(release.service, line);
      progress.set(release.id, advance(before, entry));
    });
  await besides({ client, releases, told }, shell, list);
}

async function drawAll({ client, releases }: Shown, shell: Shell, take: Take): Promise<void> {
  const { screen, time } = shell;
  const progress = new Map(releases.map((release) => [release.id, beginProgress(release)]));
  const drawing = await screen.open();
  const render = releases.length > 1 ? renderTogether : renderAlone;
  const draw = () => drawing.draw(render([...progress.values()], time.nowMs(), screen.size(), screen.paint));
  const finished = new AbortController();
  const redrawing = redraw(draw, shell, finished.signal);
  const told: Told = (id, standing) => {
    const before = progress.get(id);
    const text = standing && describeStandingWhole(standing);
    if (before) progress.set(id, { ...before, standing: text });
  };
  const follow = () =>
    take((entry, release) => {
      progress.set(release.id, advance(progress.get(release.id) ?? beginProgress(release), entry));
    });
  try {
    await besides({ client, releases, told }, shell, follow);
  } finally {
    finished.abort();
    await redrawing;
    draw();
    drawing.close();
  }
}

async function redraw(draw: () => void, { time }: Shell, finished: AbortSignal): Promise<void> {
  while (!finished.aborted) {
    draw();
    await time.pause(limits.cli.redrawIntervalMs, finished);
  }
}

export function exitCodeOf({ summary }: ReleaseResponse): number {
  switch (summary.state) {
    case 'done':
    case 'stopped':
      return 0;
    case 'rolled-back':
      return ERRORS.RELEASE_ABORTED.exit;
    case 'stuck':
      return ERRORS.RELEASE_STUCK.exit;
    case 'running':
    case 'going-back':
      return ERRORS.STILL_RUNNING.exit;
  }
}

/** Every entry of the release once, in order, through any number of controls. */
export async function* entriesToEnd({ client, release }: Watched, shell: Shell): AsyncGenerator<Entry> {
  const { time, interrupted } = shell;
  let afterSeq = 0;
  let lostSinceMs = time.monotonicMs();
  while (!interrupted.aborted) {
    const askedMs = time.monotonicMs();
    try {
      for await (const entry of client.entries(release.id, afterSeq)) {
        afterSeq = entry.seq;
        yield entry;
        if (entry.fact.kind === 'release-ended') return;
      }
    } catch (error) {
      if (interrupted.aborted) break;
      if (!(error instanceof SegueError) || error.code !== 'CONTROL_NOT_RUNNING') throw error;
    }
    // An answer that lasted was control at work; only what failed at once counts as silence.
    if (time.monotonicMs() - askedMs > limits.cli.followRetryMs) lostSinceMs = time.monotonicMs();
    if (time.monotonicMs() - lostSinceMs > limits.cli.followGiveUpMs)
      throw stillRunning(release, 'Control does not answer; "segue up" starts it and the release with it.');
    await time.pause(limits.cli.followRetryMs, interrupted);
  }
  throw stillRunning(release, '');
}

function mayWait({ fact }: Entry): boolean {
  return (
    fact.kind === 'paused' ||
    fact.kind === 'unsure' ||
    (fact.kind === 'step-started' && fact.step.kind === 'approve')
  );
}

function stillRunning({ id, service }: ReleaseRecord, why: string): SegueError {
  const how = `Follow: segue show ${id} --follow. Take back: segue abort ${service}.`;
  return new SegueError('STILL_RUNNING', why ? `${why}\n${how}` : how);
}

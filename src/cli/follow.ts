/**
 * Watching a release to its end. The release lives in control, not here: a control that dies is waited for,
 * and Ctrl-C ends the watching only (STILL_RUNNING).
 */
import { ERRORS, SegueError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Entry } from '../core/release/journal.ts';
import type { ReleaseRecord } from '../core/release/records.ts';
import type { ReleaseResponse } from '../wire/api.ts';
import type { ControlClient } from './client.ts';
import { advance, beginProgress, type Progress } from './progress.ts';
import { renderEnding } from './render/ending.ts';
import { progressLine, renderProgress, renderTitle } from './render/progress.ts';
import type { Shell } from './shell.ts';

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

/** Shows the release until it ends, then the receipt. Gives the exit code. */
export async function watchToEnd(watched: Watched, shell: Shell, json: boolean): Promise<number> {
  return watch(watched, entriesToEnd(watched, shell), shell, json);
}

/**
 * The same, for who must not wait for people: without somebody at the terminal (CI) it ends where the release
 * goes on only when a person says so.
 */
export async function watchToGate(watched: Watched, shell: Shell, json: boolean): Promise<number> {
  const attended = shell.screen.live && !json;
  return watch(watched, attended ? entriesToEnd(watched, shell) : entriesToGate(watched, shell), shell, json);
}

async function watch(
  watched: Watched,
  entries: AsyncIterable<Entry>,
  shell: Shell,
  json: boolean,
): Promise<number> {
  const { client, release } = watched;
  if (json) for await (const _ of entries);
  else if (shell.screen.live) await drawAll(watched, entries, shell);
  else await listAll(watched, entries, shell);
  const ended = await client.release(release.id);
  if (json) shell.screen.json(ended);
  else shell.screen.print(['', ...renderEnding(ended, shell.screen.paint)]);
  return exitCodeOf(ended);
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

async function listAll(watched: Watched, entries: AsyncIterable<Entry>, shell: Shell): Promise<void> {
  const { paint } = shell.screen;
  let progress = beginProgress(watched.release);
  shell.screen.print([renderTitle(progress, paint)]);
  for await (const entry of entries) {
    const line = progressLine(progress, entry, paint);
    if (line !== null) shell.screen.print([line]);
    progress = advance(progress, entry);
  }
}

async function drawAll(watched: Watched, entries: AsyncIterable<Entry>, shell: Shell): Promise<void> {
  const { screen, time } = shell;
  let progress: Progress = beginProgress(watched.release);
  const drawing = await screen.open();
  const draw = () => drawing.draw(renderProgress(progress, time.nowMs(), screen.size(), screen.paint));
  const finished = new AbortController();
  const redrawing = redraw(draw, shell, finished.signal);
  try {
    for await (const entry of entries) progress = advance(progress, entry);
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

/** As long as it goes on by itself. Whether it does, control knows: an entry may be long past. */
async function* entriesToGate(watched: Watched, shell: Shell): AsyncGenerator<Entry> {
  const { client, release } = watched;
  for await (const entry of entriesToEnd(watched, shell)) {
    yield entry;
    if (mayWait(entry) && (await client.release(release.id)).summary.waiting) return;
  }
}

function mayWait({ fact }: Entry): boolean {
  return fact.kind === 'paused' || (fact.kind === 'step-started' && fact.step.kind === 'approve');
}

function stillRunning({ id, service }: ReleaseRecord, why: string): SegueError {
  const how = `Follow: segue show ${id} --follow. Take back: segue abort ${service}.`;
  return new SegueError('STILL_RUNNING', why ? `${why}\n${how}` : how);
}

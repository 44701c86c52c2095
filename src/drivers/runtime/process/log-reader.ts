import { setImmediate } from 'node:timers/promises';
import { limits } from '../../../core/limits.ts';
import type { Clock } from '../../../ports/clock.ts';
import { LineSplitter } from './line-splitter.ts';
import type { LogFile } from './log-file.ts';

export interface LogRequest {
  readonly lines: number;
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

/** The last lines, then with `follow` each new one until the signal, or until the log is put away. */
export async function* readLines(file: LogFile, request: LogRequest, clock: Clock): AsyncGenerator<string> {
  const { lines, follow, signal } = request;
  const splitter = new LineSplitter();
  const tail = readTail(file, splitter);
  if (!follow) tail.lines.push(...[splitter.rest()].filter((rest) => rest !== null));
  for (const line of lines > 0 ? tail.lines.slice(-lines) : []) {
    if (signal.aborted) return;
    yield line;
  }
  if (follow) yield* followFrom(file, tail.end, splitter, signal, clock);
}

function readTail(file: LogFile, splitter: LineSplitter): { lines: string[]; end: number } {
  const span = file.span() ?? { from: 0, to: 0 };
  const start = Math.max(span.from, span.to - limits.log.tailBytesMax);
  const lines: string[] = [];
  let at = start;
  while (at < span.to) {
    const bytes = file.read(at, span.to - at);
    if (bytes.length === 0) break;
    lines.push(...splitter.push(bytes));
    at += bytes.length;
  }
  // The first one began before what was read, unless there is no other.
  return { lines: start > span.from && lines.length > 1 ? lines.slice(1) : lines, end: at };
}

async function* followFrom(
  file: LogFile,
  start: number,
  splitter: LineSplitter,
  signal: AbortSignal,
  clock: Clock,
): AsyncGenerator<string> {
  let at = start;
  while (!signal.aborted) {
    const span = file.span();
    if (span === null) return;
    // Rotated twice since the last look, or emptied by someone else.
    at = Math.min(Math.max(at, span.from), span.to);
    const bytes = at < span.to ? file.read(at, limits.log.tailBytesMax) : null;
    if (bytes === null || bytes.length === 0) {
      await clock.sleep(limits.log.followIntervalMs, signal).catch(() => undefined);
      continue;
    }
    at += bytes.length;
    for (const line of splitter.push(bytes)) {
      if (signal.aborted) return;
      yield line;
    }
    await setImmediate();
  }
}

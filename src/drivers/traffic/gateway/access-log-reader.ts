/** Reads the gateway's access log, over the moment at which the file is put away and another one begun. */
import fs, { type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { limits } from '../../../core/limits.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { AccessLogRequest } from '../../../ports/traffic-plane.ts';
import { ACCESS_LOG } from '../../../wire/paths.ts';

/** The last lines that are wanted, then with `follow` each new one until the signal. */
export async function* readAccessLog(
  root: string,
  { lines, follow, wanted, signal }: AccessLogRequest,
  clock: Clock,
): AsyncGenerator<string> {
  const file = path.join(root, ACCESS_LOG);
  let handle = await open(file);
  try {
    let at = handle ? (await handle.stat()).size : 0;
    for (const line of await lastLines(file, handle, lines, wanted)) yield line;
    let awayMs: number | null = null;
    const bytes = Buffer.alloc(follow ? limits.accessLog.readBytes : 0);
    while (follow && !signal.aborted) {
      handle ??= await open(file);
      const got = handle ? (await handle.read(bytes, 0, bytes.length, at)).bytesRead : 0;
      const end = bytes.subarray(0, got).lastIndexOf(LF) + 1;
      at += end;
      for (const line of splitLines(bytes.subarray(0, end))) if (wanted(line)) yield line;
      if (end > 0) continue;
      if (handle && (await isElsewhere(handle, file))) awayMs ??= clock.monotonicMs();
      // Other workers may not have seen yet that the file has another name.
      if (handle && awayMs !== null && clock.monotonicMs() - awayMs > 2 * limits.accessLog.checkIntervalMs) {
        awayMs = null;
        await handle.close();
        handle = null;
        at = 0;
      } else await clock.sleep(limits.accessLog.followIntervalMs, signal).catch(() => undefined);
    }
  } finally {
    await handle?.close();
  }
}

const LF = 0x0a;

type Wanted = AccessLogRequest['wanted'];

/** Of the file, and of the one before it when that is not enough. */
async function lastLines(
  file: string,
  handle: FileHandle | null,
  most: number,
  wanted: Wanted,
): Promise<string[]> {
  const last = handle ? (await tailOf(handle)).filter(wanted) : [];
  if (last.length < most) {
    const older = await openNewestOlder(file);
    if (older) {
      last.unshift(...(await tailOf(older)).filter(wanted));
      await older.close();
    }
  }
  return most > 0 ? last.slice(-most) : [];
}

const splitLines = (bytes: Buffer): string[] => bytes.toString('utf8').split('\n').filter(Boolean);

/** Whole lines of the last part. */
async function tailOf(handle: FileHandle): Promise<string[]> {
  const { size } = await handle.stat();
  const from = Math.max(0, size - limits.accessLog.tailBytesMax);
  const bytes = Buffer.alloc(size - from);
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, from);
  const whole = bytes.subarray(0, bytes.subarray(0, bytesRead).lastIndexOf(LF) + 1);
  return splitLines(whole).slice(from > 0 ? 1 : 0);
}

async function openNewestOlder(file: string): Promise<FileHandle | null> {
  const folder = path.dirname(file);
  const names = await fs.readdir(folder).catch(() => []);
  const older = names.filter((name) => /^access-.*\.log$/.test(name)).toSorted();
  const newest = older.at(-1);
  return newest === undefined ? null : open(path.join(folder, newest));
}

async function isElsewhere(handle: FileHandle, file: string): Promise<boolean> {
  const [named, ours] = await Promise.all([fs.stat(file).catch(() => null), handle.stat()]);
  return named !== null && named.ino !== ours.ino;
}

const open = (file: string): Promise<FileHandle | null> => fs.open(file, 'r').catch(() => null);

/** Starts control so that it outlives this terminal, and says why when it does not come up. */
import { spawn } from 'node:child_process';
import { mkdir, open, stat } from 'node:fs/promises';
import path from 'node:path';
import { SegueError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { CONTROL_LOG, STATE_DIR } from '../wire/paths.ts';
import type { ControlClient } from './client.ts';
import type { Shell } from './shell.ts';
import { isErrorCode, isRecord } from './transport.ts';

export interface ControlStart {
  readonly root: string;
  readonly environment: string | null;
  readonly client: ControlClient;
}

/** Resolves once control answers. Control inherits this environment: `env:NAME` is looked up in it. */
export async function startControl(start: ControlStart, shell: Shell): Promise<void> {
  const { root, environment, client } = start;
  const logPath = path.join(root, CONTROL_LOG);
  await asSegueError(() => makeFolder(path.join(root, STATE_DIR)));
  const fromByte = await sizeOf(logPath);
  const tooLarge = fromByte > limits.log.bytesMax;
  const log = await asSegueError(() => open(logPath, tooLarge ? 'w' : 'a', 0o600));
  try {
    const words = [
      // node:sqlite still warns on Node 24.
      ...['--disable-warning=ExperimentalWarning', shell.places.controlMain, '--dir', root],
      ...(environment === null ? [] : ['--environment', environment]),
    ];
    const child = spawn(process.execPath, words, {
      cwd: root,
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    child.unref();
    const exit = new Promise<string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ? `ended by ${signal}` : `exit code ${code}`));
    });
    const failure = await untilAnswering(client, exit, shell);
    if (failure !== null) throw await explain(failure, logPath, tooLarge ? 0 : fromByte);
  } finally {
    await log.close();
  }
}

/** Null once control answers, else why it does not. */
async function untilAnswering(
  client: ControlClient,
  exit: Promise<string>,
  { time }: Shell,
): Promise<string | null> {
  let ended: string | null = null;
  void exit.then((how) => {
    ended = how;
  });
  const untilMs = time.monotonicMs() + limits.cli.controlStartTimeoutMs;
  while (time.monotonicMs() < untilMs) {
    if (await isAnswering(client)) return null;
    if (ended !== null) return ended;
    await time.pause(limits.cli.pollIntervalMs);
  }
  return 'it does not answer';
}

/** True when control runs, and so does its API. Other failures than silence are the caller's to know. */
export async function isAnswering(client: ControlClient): Promise<boolean> {
  try {
    await client.status();
    return true;
  } catch (error) {
    if (error instanceof SegueError && error.code === 'CONTROL_NOT_RUNNING') return false;
    throw error;
  }
}

/** What control said before it ended (one line of JSON, `main/control.ts`), else its last lines. */
async function explain(failure: string, logPath: string, fromByte: number): Promise<SegueError> {
  const lines = (await tail(logPath, fromByte)).split('\n').filter((line) => line.trim() !== '');
  const said = lines.map(readError).findLast((error) => error !== undefined);
  if (said) return said;
  const last = lines.slice(-limits.log.tailLinesInErrors).map((line) => `| ${line}`);
  return new SegueError('CONTROL_START_FAILED', [`${failure}; its last lines:`, ...last].join('\n'));
}

function readError(line: string): SegueError | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    if (!isRecord(value) || !isErrorCode(value['code'])) return undefined;
    return new SegueError(value['code'], typeof value['detail'] === 'string' ? value['detail'] : '');
  } catch {
    return undefined;
  }
}

async function tail(logPath: string, fromByte: number): Promise<string> {
  const size = await sizeOf(logPath);
  const from = Math.max(fromByte, size - limits.cli.logTailBytesMax);
  const file = await open(logPath, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.max(0, size - from)), 0, null, from);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

async function sizeOf(file: string): Promise<number> {
  return stat(file).then(
    (stats) => stats.size,
    () => 0,
  );
}

/** Not `recursive`, which calls a read-only file system ENOENT. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

async function asSegueError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const detail = error instanceof Error ? error.message : String(error);
    if (code === 'EACCES' || code === 'EROFS' || code === 'EPERM')
      throw new SegueError('DIRECTORY_READ_ONLY', detail, { cause: error });
    if (code === 'ENOSPC' || code === 'EDQUOT') throw new SegueError('DISK_FULL', detail, { cause: error });
    throw error;
  }
}

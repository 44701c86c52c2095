/** Starts the gateway's process so that it outlives this one. */
import { spawn } from 'node:child_process';
import fs from 'node:fs/promises';
import path from 'node:path';
import { limits } from '../../../core/limits.ts';
import { GATEWAY_LOG } from '../../../wire/paths.ts';

export interface StartedGateway {
  /** How it ended, or null while it runs. */
  readonly ended: () => string | null;
}

/**
 * What a request leaves behind is gone with the request; a larger young generation collects less often, and holds
 * as much memory as a thousand connections. The gateway hands it on to its workers and successors.
 */
const YOUNG_GENERATION = `--max-semi-space-size=${limits.gateway.semiSpaceMegabytes}`;

export async function startGateway(mainFile: string, root: string): Promise<StartedGateway> {
  const logFile = path.join(root, GATEWAY_LOG);
  await fs.mkdir(path.dirname(logFile), { recursive: true, mode: 0o700 });
  const log = await fs.open(logFile, 'a', 0o600);
  try {
    if ((await log.stat()).size > limits.log.bytesMax) await log.truncate(0);
    const child = spawn(process.execPath, [YOUNG_GENERATION, mainFile, '--dir', root], {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
    });
    let end: string | null = null;
    child.once('error', (error) => (end = error.message));
    child.once('exit', (code, signal) => (end = signal ? `ended by ${signal}` : `exit code ${code ?? '?'}`));
    child.unref();
    return { ended: () => end };
  } finally {
    await log.close();
  }
}

/** The last lines of the gateway's log, for an error that people read. */
export async function lastLogLines(root: string): Promise<string> {
  try {
    const log = await fs.open(path.join(root, GATEWAY_LOG), 'r');
    try {
      const { size } = await log.stat();
      const bytes = Math.min(size, limits.log.tailBytesMax);
      const { buffer } = await log.read(Buffer.alloc(bytes), 0, bytes, size - bytes);
      return buffer.toString('utf8').trimEnd().split('\n').slice(-limits.log.tailLinesInErrors).join('\n');
    } finally {
      await log.close();
    }
  } catch {
    return '(there is no log)';
  }
}

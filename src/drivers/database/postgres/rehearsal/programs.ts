/** PostgreSQL's own programs: what they say comes back, and they end when the rehearsal does. */
import { spawn } from 'node:child_process';
import { SegueError } from '../../../../core/errors.ts';
import { limits } from '../../../../core/limits.ts';

const { outputBytesMax, schemaBytesMax } = limits.rehearsal;

interface Ended {
  readonly out: string;
}

/** Rejects with REHEARSAL_TOOL_MISSING or REHEARSAL_COPY_FAILED. */
export async function runProgram(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Ended> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env, LC_ALL: 'C' },
    signal,
  });
  const out: Buffer[] = [];
  let bytes = 0;
  let said = '';
  child.stdout.on('data', (part: Buffer) => {
    bytes += part.length;
    if (bytes > schemaBytesMax) child.kill();
    else out.push(part);
  });
  child.stderr.on('data', (part: Buffer) => {
    said = (said + part.toString()).slice(-outputBytesMax);
  });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      const missing = 'code' in error && error.code === 'ENOENT';
      reject(missing ? new SegueError('REHEARSAL_TOOL_MISSING', `It is ${program}.`) : error);
    });
    child.once('close', (code) => {
      if (code === 0 && bytes <= schemaBytesMax) resolve({ out: Buffer.concat(out).toString() });
      else if (bytes > schemaBytesMax)
        reject(
          new SegueError('REHEARSAL_COPY_FAILED', `${program} wrote more than ${schemaBytesMax} bytes.`),
        );
      else reject(new SegueError('REHEARSAL_COPY_FAILED', `${program}: ${lastWords(said)}`));
    });
  });
}

/** What a program says last is why it ended. */
function lastWords(said: string): string {
  const lines = said
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return lines.slice(-3).join(' ') || 'it ended without a word';
}

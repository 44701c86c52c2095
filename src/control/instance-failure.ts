import type { ErrorRecord } from '../core/errors.ts';

export function describeExit(code: number | null, signal: string | null): string {
  if (signal) return `was ended by ${signal}`;
  // The shell's convention for a command that it cannot find (POSIX.1-2017, 2.8.2).
  if (code === 127) return 'exited with 127 (command not found)';
  return code === null ? 'ended' : `exited with ${code}`;
}

/** The message that ends a release: why, and the instance's own last words. */
export function exitFailure(id: string, exit: string, lastLines: readonly string[]): ErrorRecord {
  return { code: 'INSTANCE_EXITED', detail: `${id} ${exit}.${quote(lastLines)}` };
}

export function crashLoop(
  id: string,
  exit: string,
  crashes: number,
  lastLines: readonly string[],
): ErrorRecord {
  return { code: 'CRASH_LOOP', detail: `${id} ${exit}, crash ${crashes}.${quote(lastLines)}` };
}

export interface Unready {
  readonly id: string;
  readonly withinMs: number;
  readonly port: number;
  readonly trouble: string | null;
  /** The ports that it has opened; null: unknown. */
  readonly listening: readonly number[] | null;
  readonly lastLines: readonly string[];
}

export function readyFailure({ id, withinMs, port, trouble, listening, lastLines }: Unready): ErrorRecord {
  if (listening && listening.length > 0 && !listening.includes(port))
    return {
      code: 'WRONG_PORT',
      detail: `${id} was told to listen on ${port} and listens on ${listening.join(', ')}.`,
    };
  const why = trouble ?? 'no check has passed';
  return {
    code: 'INSTANCE_NOT_READY',
    detail: `${id}, after ${withinMs / 1000}s: ${why}.${quote(lastLines)}`,
  };
}

function quote(lines: readonly string[]): string {
  if (lines.length === 0) return ' It wrote nothing.';
  return ` Its last lines:\n${lines.map((line) => `  | ${line}`).join('\n')}`;
}

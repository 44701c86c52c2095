/** The real CLI as a process of its own, as users start it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { BIN } from './program.ts';

const running = new Set<ChildProcess>();

export interface CliResult {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
}

export interface CliRun {
  readonly child: ChildProcess;
  /** What stdout and stderr have given so far. */
  output(): string;
  readonly result: Promise<CliResult>;
}

/** `before` is a command that starts another one. */
export function startCli(
  cwd: string,
  words: readonly string[],
  env: Record<string, string> = {},
  before: readonly string[] = [],
): CliRun {
  const [program, ...args] = [...before, process.execPath, BIN, ...words];
  const child = spawn(program ?? '', args, {
    cwd,
    // A CI's own variables must not decide what the tests see.
    env: { ...outer('PATH', 'HOME', 'NODE_COMPILE_CACHE'), TZ: 'UTC', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('close', () => running.delete(child));
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const result = new Promise<CliResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, out, err }));
  });
  return { child, output: () => out + err, result };
}

function outer(...names: readonly string[]): Record<string, string | undefined> {
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}

export function cli(
  cwd: string,
  words: readonly string[],
  env: Record<string, string> = {},
  before: readonly string[] = [],
): Promise<CliResult> {
  return startCli(cwd, words, env, before).result;
}

/** For `after`: a test that failed in the middle must not leave its followers behind. */
export function endCli(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** Segue as everybody uses it: its command, with `--json`. The demo knows nothing else of it. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ReleaseRecord } from '../../src/core/release/records.ts';
import type { ApiError, ReleaseResponse, StatusResponse } from '../../src/wire/api.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/segue.js', import.meta.url));
const TIMEOUT_MS = 60_000;

/** What `--json` writes; which members there are depends on the verb. */
interface Output {
  readonly error?: ApiError;
  readonly release?: ReleaseRecord | null;
}

export interface Ended {
  readonly exitCode: number | null;
  readonly output: Output | null;
  readonly text: string;
}

export class Cli {
  readonly #projectDir: string;
  readonly #interrupted: AbortSignal | undefined;
  readonly #env: NodeJS.ProcessEnv;

  /** Commands that run when `interrupted` aborts are ended. `env` comes on top of this process's own. */
  constructor(projectDir: string, interrupted?: AbortSignal, env: NodeJS.ProcessEnv = {}) {
    this.#projectDir = projectDir;
    this.#interrupted = interrupted;
    this.#env = { ...process.env, ...env };
  }

  up(): Promise<Ended> {
    return this.#succeed('up');
  }

  down(): Promise<Ended> {
    return this.#succeed('down');
  }

  /** Exit code 3, taken back, is a result like another: the scenes judge it. */
  deploy(version: string): Promise<Ended> {
    return this.run('deploy', 'web', '--version', version, '--dir', `versions/${version}`);
  }

  rollback(reason: string): Promise<Ended> {
    return this.run('rollback', 'web', '--reason', reason);
  }

  async status(): Promise<StatusResponse> {
    const { text } = await this.#succeed('status');
    const status: StatusResponse = JSON.parse(text);
    return status;
  }

  async show(release: string): Promise<ReleaseResponse> {
    const { text } = await this.#succeed('show', release);
    const response: ReleaseResponse = JSON.parse(text);
    return response;
  }

  async #succeed(...words: readonly string[]): Promise<Ended> {
    const ended = await this.run(...words);
    if (ended.exitCode === 0) return ended;
    throw new Error(`segue ${words[0]}: ${describe(ended)}`);
  }

  run(...words: readonly string[]): Promise<Ended> {
    const { promise, resolve, reject } = Promise.withResolvers<Ended>();
    const child = spawn(process.execPath, [PROGRAM, ...words, '--json'], {
      cwd: this.#projectDir,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT_MS,
      ...(this.#interrupted && { signal: this.#interrupted }),
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (exitCode) => resolve({ exitCode, output: parse(stdout), text: stdout || stderr }));
    return promise;
  }
}

export function describe({ exitCode, output, text }: Ended): string {
  const { error } = output ?? {};
  if (error) return `${error.code}: ${error.what} ${error.detail}`.trim();
  return `exit code ${exitCode}, ${text.trim().slice(0, 500) || 'no output'}`;
}

function parse(text: string): Output | null {
  try {
    const value: Output = JSON.parse(text);
    return value;
  } catch {
    return null;
  }
}

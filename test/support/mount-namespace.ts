/** A view of the file system of its own, for which no rights are needed: what is mounted in it nobody else sees. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

const run = promisify(execFile);

export class MountNamespace {
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess) {
    this.#holder = holder;
  }

  /** Lives as long as its holder, and that no longer than this process. */
  static async create(): Promise<MountNamespace> {
    const holder = spawn('unshare', ['-rm', 'sh', '-c', 'echo here && exec cat'], {
      cwd: '/',
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(holder.stdout, 'data');
    return new MountNamespace(holder);
  }

  /** A command that starts another one inside, in that folder as it is there. */
  inside(cwd: string): readonly string[] {
    return ['nsenter', ...this.#enter(cwd)];
  }

  #enter(cwd: string): string[] {
    const namespaces = ['--user', '--mount', '--preserve-credentials', '--target', String(this.#holder.pid)];
    return [...namespaces, 'sh', '-c', 'cd "$0" && exec "$@"', cwd];
  }

  /** A shell script inside, in that folder. */
  async sh(cwd: string, script: string): Promise<void> {
    await run('nsenter', [...this.#enter(cwd), 'sh', '-c', script]);
  }

  async end(): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    const ended = once(this.#holder, 'exit');
    this.#holder.kill('SIGKILL');
    await ended;
  }
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { SegueError } from '../../../core/errors.ts';
import { limits } from '../../../core/limits.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Probe } from '../../../ports/prober.ts';
import { resolveCommand, type Program } from '../../runtime/process/command.ts';
import { messageOf } from '../../runtime/process/system-error.ts';
import { CALLED_OFF, failed, oneLine, passed, type Finding } from './finding.ts';

type CommandProbe = Extract<Probe, { type: 'command' }>;

/** Runs the command in a process group of its own, of which nothing is left afterwards. */
export async function runCommand(probe: CommandProbe, signal: AbortSignal, clock: Clock): Promise<Finding> {
  try {
    return await run(resolveCommand(probe.command, probe), probe, signal, clock);
  } catch (error) {
    if (signal.aborted) return CALLED_OFF;
    return failed(
      error instanceof SegueError ? error.detail : `the command did not start: ${messageOf(error)}`,
    );
  }
}

async function run(
  program: Program,
  { dir, env }: CommandProbe,
  signal: AbortSignal,
  clock: Clock,
): Promise<Finding> {
  const child = spawn(program.file, program.args, {
    cwd: dir,
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const output = new OutputEnd();
  child.stdout.on('data', (bytes: Buffer) => output.add(bytes));
  child.stderr.on('data', (bytes: Buffer) => output.add(bytes));
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  try {
    await once(child, 'exit', { signal });
    killGroup(child.pid);
    // What left the group may hold the pipes open for as long as it likes.
    await Promise.race([closed, clock.sleep(limits.health.outputWaitMs, signal)]);
    const how = child.signalCode ? `ended by ${child.signalCode}` : `exit code ${child.exitCode}`;
    const line = output.lastLine();
    return (child.exitCode === 0 ? passed : failed)(line === '' ? how : `${how}: ${line}`);
  } finally {
    if (child.exitCode === null && child.signalCode === null) killGroup(child.pid);
    child.stdout.destroy();
    child.stderr.destroy();
  }
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    return; // Nothing of it is left.
  }
}

/** The end of an output of any length. */
class OutputEnd {
  #bytes: Buffer = Buffer.alloc(0);

  add(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]).subarray(-limits.health.outputBytesMax);
  }

  lastLine(): string {
    const lines = this.#bytes.toString('utf8').split('\n');
    const last = lines.findLast((line) => line.trim() !== '') ?? '';
    return oneLine(last, limits.health.outputQuoteCharsMax);
  }
}

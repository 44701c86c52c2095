import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, statSync } from 'node:fs';
import { SegueError } from '../../../core/errors.ts';
import type { InstanceSpec } from '../../../ports/runtime.ts';
import type { DirectLaunch, DirectPlace } from '../../../ports/socket-keeper.ts';
import { resolveCommand, type Program } from './command.ts';
import { readStat, SECRET_VARIABLE, type ProcessId } from './process-table.ts';
import { messageOf, systemErrorCode } from './system-error.ts';

export interface Spawned {
  readonly child: ChildProcess;
  readonly leader: ProcessId;
}

/**
 * Starts the program as the leader of its own session, so that it outlives control and gets no signal of
 * control's terminal. Nothing but its log connects it with us.
 */
export async function spawnInstance(spec: InstanceSpec, openLog: () => number): Promise<Spawned> {
  if (!isFolder(spec.dir)) throw new SegueError('SPAWN_FAILED', `There is no folder ${spec.dir}.`);
  const program = resolveCommand(spec.command, spec);
  const child = launch(program, spec, openLog());
  // Before the event loop turns: a child that has ended by now is a zombie at most, and can still be read.
  const stat = child.pid === undefined ? null : readStat(child.pid);
  try {
    await once(child, 'spawn');
  } catch (error) {
    throw spawnError(program, error);
  }
  if (!stat) throw new SegueError('SPAWN_FAILED', `${program.file}: /proc does not show the new process.`);
  child.unref();
  return { child, leader: { pid: stat.pid, start: stat.start } };
}

/** The same for the keeper of public sockets to start. Throws as `spawnInstance` does, before anything runs. */
export function directLaunch(
  spec: InstanceSpec,
  place: DirectPlace,
  tokenHash: string,
  logFile: string,
): DirectLaunch {
  const { id, dir } = spec;
  if (!isFolder(dir)) throw new SegueError('SPAWN_FAILED', `There is no folder ${dir}.`);
  const { file, args } = resolveCommand(spec.command, spec);
  const env = { ...spec.env, [SECRET_VARIABLE]: spec.secret };
  return { ...place, id, tokenHash, file, args, dir, env, logFile };
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function launch(program: Program, spec: InstanceSpec, log: number): ChildProcess {
  try {
    return spawn(program.file, program.args, {
      cwd: spec.dir,
      env: { ...spec.env, [SECRET_VARIABLE]: spec.secret },
      stdio: ['ignore', log, log],
      detached: true,
    });
  } catch (error) {
    throw spawnError(program, error);
  } finally {
    closeSync(log);
  }
}

function spawnError(program: Program, error: unknown): SegueError {
  return new SegueError('SPAWN_FAILED', `${program.file}: ${describe(error)}`, { cause: error });
}

function describe(error: unknown): string {
  switch (systemErrorCode(error)) {
    case 'ENOENT':
      return 'the interpreter that its first line names does not exist.';
    case 'EACCES':
      return 'the system does not allow to run it.';
    case 'EAGAIN':
    case 'ENOMEM':
      return 'the system has no room for another process.';
    case 'E2BIG':
      return 'its arguments and environment are too long.';
    case undefined:
    default:
      return messageOf(error);
  }
}

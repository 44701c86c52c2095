/** What runs on this machine, as far as a test may look: its own instances and daemons, by their environment. */
import { readdir, readFile, readlink } from 'node:fs/promises';

export interface FoundProcess {
  readonly pid: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly commandLine: readonly string[];
}

/** Processes whose working folder lies under `root`: all that a project's Segue ever starts. */
export async function processesUnder(root: string): Promise<FoundProcess[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => lookAt(Number(pid))));
  return found
    .filter((process) => process !== null)
    .filter(({ cwd }) => cwd === root || cwd.startsWith(`${root}/`));
}

async function lookAt(pid: number): Promise<FoundProcess | null> {
  try {
    const cwd = await readlink(`/proc/${pid}/cwd`);
    const text = await readFile(`/proc/${pid}/environ`, 'utf8');
    const pairs = text.split('\0').map((line): [string, string] => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)];
    });
    const commandLine = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1);
    return {
      pid,
      commandLine,
      cwd: cwd.replace(/ \(deleted\)$/, ''),
      environment: Object.fromEntries(pairs),
    };
  } catch {
    return null;
  }
}

export async function instancesUnder(root: string): Promise<FoundProcess[]> {
  return (await processesUnder(root)).filter(
    ({ environment }) => environment['SEGUE_INSTANCE'] !== undefined,
  );
}

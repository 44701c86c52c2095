/** What `segue check` has to say about flags: of the files as they are, and of how flags are used if control runs. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { SegueError } from '../../core/errors.ts';
import type { FlagChoices } from '../../core/flags/choices.ts';
import { staleCauses } from '../../core/flags/stale.ts';
import { notesOf } from '../../core/flags/definition.ts';
import { formatProblem } from '../../wire/file/problem.ts';
import { FLAG_FILE_NAME } from '../../wire/flags/flag-file-name.ts';
import { parseFlags } from '../../wire/flags/parse-flags.ts';
import type { ControlClient } from '../client.ts';
import { describeStale } from '../render/flags.ts';

/** Throws FLAGS_INVALID, and FLAGS_STALE where the file asks for it. */
export async function checkFlags(
  { dir, stale }: FlagChoices,
  {
    root,
    client,
    running,
    nowMs,
  }: {
    readonly root: string;
    readonly client: ControlClient;
    readonly running: boolean;
    readonly nowMs: number;
  },
): Promise<string[]> {
  const { flags, problems } = parseFlags(await filesIn(root, dir));
  const [first] = problems;
  if (first)
    throw new SegueError('FLAGS_INVALID', problems.map(formatProblem).join('\n'), { place: first.place });
  const known = running ? await used(client) : [];
  const ofFiles = Object.entries(flags).map(([flag, { definition, file, line }]) => {
    const { notes } = notesOf(definition.metadata);
    return {
      ...{ flag, file, line },
      stale: staleCauses({
        notes,
        usage: null,
        knownSinceMs: nowMs,
        afterMs: stale.afterMs || Infinity,
        nowMs,
      }),
    };
  });
  const all = new Map([...ofFiles, ...known].map((one) => [one.flag, one]));
  const lines = [...all.values()].flatMap(({ flag, file, line, stale: causes }) => {
    const where = file === null ? '' : `${file}:${line ?? 1}: `;
    return causes.length === 0
      ? []
      : [`${where}flag ${flag} is stale: ${causes.map(describeStale).join('; ')}`];
  });
  if (stale.fail && lines.length > 0) throw new SegueError('FLAGS_STALE', lines.join('\n'));
  return lines;
}

/** An older control knows nothing of flags, and has none. */
async function used(client: ControlClient) {
  try {
    return (await client.flags()).flags;
  } catch {
    return [];
  }
}

async function filesIn(root: string, dir: string) {
  const entries = await readdir(path.join(root, dir), { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  const files = entries.filter((entry) => entry.isFile() && FLAG_FILE_NAME.test(entry.name));
  const paths = files.map(({ parentPath, name }) => path.join(parentPath, name)).toSorted();
  return Promise.all(
    paths.map(async (file) => ({ name: path.relative(root, file), text: await readFile(file, 'utf8') })),
  );
}

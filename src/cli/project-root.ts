import { access } from 'node:fs/promises';
import path from 'node:path';
import { SegueError } from '../core/errors.ts';
import { PROJECT_FILE } from '../wire/paths.ts';

/** The folder given, or the nearest one from `cwd` upwards that holds a segue.yaml. */
export async function findRoot(cwd: string, given: string | null): Promise<string> {
  if (given !== null) {
    const root = path.resolve(cwd, given);
    if (await hasProjectFile(root)) return root;
    throw new SegueError('FILE_MISSING', `Looked in ${root}.`);
  }
  for (let folder = cwd; ; folder = path.dirname(folder)) {
    if (await hasProjectFile(folder)) return folder;
    if (folder === path.dirname(folder)) throw new SegueError('FILE_MISSING', `Looked from ${cwd} upwards.`);
  }
}

async function hasProjectFile(folder: string): Promise<boolean> {
  return access(path.join(folder, PROJECT_FILE)).then(
    () => true,
    () => false,
  );
}

/** segue.yaml as the CLI reads it, before anything is asked of control. */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { SegueError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Project } from '../core/project.ts';
import { formatBytes } from '../core/units.ts';
import { PROJECT_FILE } from '../wire/paths.ts';

export async function readProjectText(root: string): Promise<string> {
  const file = path.join(root, PROJECT_FILE);
  const { size } = await stat(file);
  if (size > limits.file.bytesMax)
    throw new SegueError('FILE_INVALID', `It is larger than ${formatBytes(limits.file.bytesMax)}.`);
  return readFile(file, 'utf8');
}

/** Throws FILE_INVALID with every problem. */
export async function checkedProject(text: string, environment: string | null): Promise<Project> {
  // Loaded here and not above: the schemas are most of what the CLI would load to start.
  const { loadProject } = await import('../wire/file/parse.ts');
  return loadProject(text, PROJECT_FILE, environment);
}

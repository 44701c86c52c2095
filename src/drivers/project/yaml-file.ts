import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SegueError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Project } from '../../core/project.ts';
import { formatBytes } from '../../core/units.ts';
import type { ProjectSource } from '../../ports/project-source.ts';
import { loadProject } from '../../wire/file/parse.ts';
import { PROJECT_FILE } from '../../wire/paths.ts';

/** The project as `segue.yaml` in its folder says it now. */
export class YamlProjectFile implements ProjectSource {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  async load(environment: string | null): Promise<Project> {
    const text = await readBounded(join(this.root, PROJECT_FILE));
    return loadProject(text, PROJECT_FILE, environment);
  }
}

async function readBounded(file: string): Promise<string> {
  const { bytesMax } = limits.file;
  try {
    const { size } = await stat(file);
    if (size <= bytesMax) return await readFile(file, 'utf8');
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (missing) throw new SegueError('FILE_MISSING', '', { cause: error });
    throw new SegueError('FILE_INVALID', error instanceof Error ? error.message : '', { cause: error });
  }
  throw new SegueError('FILE_INVALID', `It is larger than ${formatBytes(bytesMax)}.`);
}

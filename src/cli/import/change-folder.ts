/** The folder of an imported change: its number, its files, and what is there already. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Parts } from '../../core/database/sql/import/parts.ts';
import { SegueError } from '../../core/errors.ts';

const PHASES = ['expand', 'backfill', 'contract', 'revert'] as const;
const NUMBERED = /^(\d{4,14})[-_](.+)$/;

export interface FileText {
  readonly file: string;
  readonly text: string;
}

/** Files of phases in which nothing happens are left out. */
export function filesOf(parts: Parts, source: string): readonly FileText[] {
  return PHASES.filter((phase) => parts[phase].length > 0).map((phase) => ({
    file: `${phase}.sql`,
    text: `-- From ${source}.\n\n${parts[phase].join('\n\n')}\n`,
  }));
}

/** The one of that name when it is there, else the next number. */
export class ChangeFolders {
  readonly #dir: string;
  readonly #names: string[];

  private constructor(dir: string, names: readonly string[]) {
    this.#dir = dir;
    this.#names = [...names];
  }

  static async in(dir: string): Promise<ChangeFolders> {
    const names = await readdir(dir).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw error;
    });
    return new ChangeFolders(dir, names.filter((name) => NUMBERED.test(name)).toSorted());
  }

  /** Never one that is there, unless that was asked for. */
  nameFor(slug: string, force: boolean): string {
    const there = this.#names.find((name) => NUMBERED.exec(name)?.[2] === slug);
    if (there !== undefined && !force) throw new SegueError('CHANGE_EXISTS', path.join(this.#dir, there));
    if (there !== undefined) return there;
    const [, last = '0000'] = NUMBERED.exec(this.#names.at(-1) ?? '') ?? [];
    const name = `${String(BigInt(last) + 1n).padStart(last.length, '0')}-${slug}`;
    this.#names.push(name);
    return name;
  }

  async write(name: string, files: readonly FileText[]): Promise<void> {
    const folder = path.join(this.#dir, name);
    try {
      await mkdir(folder, { recursive: true });
      for (const { file, text } of files) await writeFile(path.join(folder, file), text);
      // Of the change as it was before.
      const left = PHASES.map((phase) => `${phase}.sql`).filter(
        (file) => !files.some((each) => each.file === file),
      );
      for (const file of left) await rm(path.join(folder, file), { force: true });
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code === 'EACCES' || code === 'EROFS') throw new SegueError('DIRECTORY_READ_ONLY', folder);
      if (code === 'ENOTDIR' || code === 'EEXIST') throw new SegueError('USAGE', `${folder} is no folder.`);
      throw error;
    }
  }
}

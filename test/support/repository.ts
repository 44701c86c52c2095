/** The files of this repository as its own tests look at them. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '..', '..');

const LEFT_OUT = new Set(['node_modules', 'dist', '.git', '.build', '.segue', '.cache']);

export interface TextFile {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

/** Everything that people wrote, in a stable order. */
export function filesMatching(...patterns: readonly string[]): readonly TextFile[] {
  const entries = globSync([...patterns], {
    cwd: root,
    withFileTypes: true,
    exclude: (entry) => LEFT_OUT.has(entry.name),
  });
  return entries
    .filter((entry) => entry.isFile() && !LEFT_OUT.has(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .toSorted()
    .map((path) => ({ path, text: read(path) }));
}

export const read = (path: string): string => readFileSync(join(root, path), 'utf8');

export const exists = (path: string): boolean => existsSync(join(root, path));

/** Each place where `pattern` is found, as `path:line: what is there`. */
export function findAll(files: readonly TextFile[], pattern: RegExp): readonly string[] {
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const match = pattern.exec(line);
      return match ? [`${path}:${index + 1}: ${match[0].trim()}`] : [];
    }),
  );
}

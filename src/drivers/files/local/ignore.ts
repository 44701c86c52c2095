import { matchesGlob } from 'node:path';

/** True for what stays out of a version; `path` is relative to the folder, with `/`. */
export type Ignore = (path: string, isFolder: boolean) => boolean;

/** Never part of a version, at any depth. */
const ALWAYS = ['.git', '.segue'];

/**
 * `*.log` and `node_modules` match at any depth, `build/*.map` and `/tmp` from the top, `cache/` only folders.
 * A folder that is left out is left out whole. As in shells, `*` does not match a leading dot.
 */
export function ignoring(patterns: readonly string[]): Ignore {
  const rules = [...ALWAYS, ...patterns].map(compile);
  return (path, isFolder) => rules.some((rule) => rule(path, isFolder));
}

function compile(pattern: string): Ignore {
  const foldersOnly = pattern.endsWith('/');
  const bare = foldersOnly ? pattern.slice(0, -1) : pattern;
  const anchored = bare.includes('/');
  const glob = bare.replace(/^\.?\//, '');
  return (path, isFolder) =>
    (isFolder || !foldersOnly) && matchesGlob(anchored ? path : path.slice(path.lastIndexOf('/') + 1), glob);
}

/** The import walls of DESIGN s. 4 as data, and a scan of its own beside those of tsc and the linter. */
import { dirname, join } from 'node:path/posix';

/** From a folder of src to the folders of src that it may import, itself left out. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  ports: ['core'],
  wire: ['core'],
  drivers: ['ports', 'wire', 'core'],
  control: ['ports', 'wire', 'core'],
  gateway: ['wire', 'core'],
  cli: ['ports', 'wire', 'core'],
  direct: [],
  main: ['core', 'ports', 'wire', 'drivers', 'control', 'gateway', 'cli', 'direct'],
};

const IMPORTS: readonly RegExp[] = [
  /^(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm,
  /^import\s*['"]([^'"]+)['"]/gm,
  /^(?!\s*(?:\/\/|\/?\*)).*\bimport\(\s*['"]([^'"]+)['"]/gm,
];

/** What a module imports, as written: `import`, `export ... from`, `import type`, `import()`. */
export function importsOf(text: string): readonly string[] {
  return IMPORTS.flatMap((pattern) => [...text.matchAll(pattern)]).map(([, name = '']) => name);
}

/** The imports of a file in src that go through a wall. `file` is relative to the repository, with `/`. */
export function wallsBroken(file: string, text: string): readonly string[] {
  const [, from = ''] = file.split('/');
  const allowed = MAY_IMPORT[from];
  if (!allowed) return [`${file} lies outside the folders of DESIGN s. 4`];
  return importsOf(text)
    .filter((name) => {
      if (!name.startsWith('.')) return from === 'core' || (from === 'direct' && !name.startsWith('node:'));
      const [top, to = ''] = join(dirname(file), name).split('/');
      return top !== 'src' || (to !== from && !allowed.includes(to));
    })
    .map((name) => `${file} imports ${name}`);
}

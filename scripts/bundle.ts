/**
 * Makes programs of src/main: each is one file, so that it starts in half the time that 500 take, and one that runs
 * still finds all of itself when an update replaces it. What only some need is in it, and is evaluated when they do;
 * libraries that are asked for by `import()` stay where npm put them.
 *   node scripts/bundle.ts        into dist/bundle
 */
import { rmSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const MAINS = ['cli', 'control', 'gateway', 'gateway-worker'].map((name) => `src/main/${name}.ts`);
/** An import of one of these would be made by every process, wherever it is written: theirs are `import()`. */
const OUTSIDE: readonly string[] = ['acme-client', 'libpg-query', 'log-update', 'pg-native'];

/** `more` are other programs, by their paths from the root; each is named like its file. */
export async function bundle(folder: string, more: readonly string[] = []): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: [...MAINS, ...more].map((file) => ({ in: file, out: basename(file, extname(file)) })),
    outdir: folder,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    external: [...OUTSIDE],
    // Those of the libraries that are CommonJS ask for Node's modules by `require`.
    banner: {
      js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`,
    },
    logLevel: 'warning',
  });
}

if (import.meta.main) {
  const folder = join(root, 'dist', 'bundle');
  rmSync(folder, { recursive: true, force: true });
  await bundle(folder);
}

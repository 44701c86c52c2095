/**
 * Where Segue's programs are: in the package that scripts/test.ts lays for a run, or in the source where a test file
 * runs by itself.
 */
import path from 'node:path';

const root = path.join(import.meta.dirname, '../..');
const installed = process.env['SEGUE_TEST_PACKAGE'];

export const BIN = path.join(installed ?? root, 'bin', 'segue.js');

/** A program by the path of its source from the root. */
export function program(source: string): string {
  if (installed === undefined) return path.join(root, source);
  return path.join(installed, 'dist', 'bundle', `${path.basename(source, '.ts')}.js`);
}

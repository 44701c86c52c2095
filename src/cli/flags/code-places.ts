/** Where the user's code speaks of flags: every file of the project but what is fetched, built or Segue's own. */
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { limits } from '../../core/limits.ts';

export interface CodePlace {
  readonly file: string;
  readonly line: number;
}

const LEFT_OUT = new Set([
  'node_modules',
  '.git',
  '.segue',
  'dist',
  'build',
  'target',
  'vendor',
  '.venv',
  '__pycache__',
]);

/** By flag. A name counts only as a whole word: `checkout` is not found in `checkout-v2`. */
export async function placesInCode(
  root: string,
  flags: readonly string[],
): Promise<Readonly<Record<string, CodePlace[]>>> {
  const places: Record<string, CodePlace[]> = Object.fromEntries(flags.map((flag) => [flag, []]));
  const words = flags.map((flag) => [flag, new RegExp(`(?<![\\w./-])${escaped(flag)}(?![\\w/-])`)] as const);
  let files = 0;
  for await (const file of filesUnder(root, '')) {
    files += 1;
    if (files > limits.flags.codeFilesMax) break;
    const text = await textOf(path.join(root, file));
    const here = text === null ? [] : words.filter(([flag]) => text.includes(flag));
    if (text === null || here.length === 0) continue;
    for (const [index, line] of text.split('\n').entries())
      for (const [flag, word] of here)
        if (word.test(line) && (places[flag]?.length ?? 0) < limits.flags.codePlacesMax)
          places[flag]?.push({ file, line: index + 1 });
  }
  return places;
}

async function* filesUnder(root: string, below: string): AsyncGenerator<string> {
  const entries = await readdir(path.join(root, below), { withFileTypes: true }).catch(() => []);
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const at = path.join(below, entry.name);
    if (entry.isDirectory() && !LEFT_OUT.has(entry.name)) yield* filesUnder(root, at);
    else if (entry.isFile()) yield at;
  }
}

/** Null: it is no text that somebody writes. */
async function textOf(file: string): Promise<string | null> {
  try {
    if ((await stat(file)).size > limits.flags.codeFileBytesMax) return null;
    const text = await readFile(file, 'utf8');
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');

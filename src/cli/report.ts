/** An error to the user: on stderr for people, on stdout with `--json`. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ERRORS, SegueError, toErrorRecord } from '../core/errors.ts';
import type { ApiError } from '../wire/api.ts';
import { PROJECT_FILE } from '../wire/paths.ts';
import { findRoot } from './project-root.ts';
import { renderError } from './render/error.ts';
import type { Shell } from './shell.ts';

/** Gives the exit code. */
export async function reportError(error: unknown, shell: Shell, words: readonly string[]): Promise<number> {
  const { code, detail } = toErrorRecord(error);
  const { exit, what, next } = ERRORS[code];
  if (words.includes('--json')) {
    const place = error instanceof SegueError ? (error.place ?? null) : null;
    shell.screen.json({ error: { code, what, detail, next, place } satisfies ApiError });
    return exit;
  }
  const source = code === 'FILE_INVALID' ? await sourceLines(shell, words) : [];
  shell.screen.note(renderError({ code, detail }, source, shell.screen.paint));
  if (code === 'UNEXPECTED' && shell.env['SEGUE_DEBUG'] && error instanceof Error)
    shell.screen.note([error.stack ?? '']);
  return exit;
}

async function sourceLines(shell: Shell, words: readonly string[]): Promise<string[]> {
  try {
    const at = words.indexOf('--project');
    const root = await findRoot(shell.cwd, at === -1 ? null : (words[at + 1] ?? null));
    return (await readFile(path.join(root, PROJECT_FILE), 'utf8')).split(/\r?\n/);
  } catch {
    // Without the source the message still names the place.
    return [];
  }
}

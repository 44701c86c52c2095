import { access, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { STATE_DIR } from '../../wire/paths.ts';

/** Keeps `.segue/` out of git; true when something was written. */
export async function ignoreState(root: string): Promise<boolean> {
  const file = path.join(root, '.gitignore');
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null && !(await isRepository(root))) return false;
  const known = [STATE_DIR, `${STATE_DIR}/`, `/${STATE_DIR}`, `/${STATE_DIR}/`];
  if (text?.split(/\r?\n/).some((line) => known.includes(line.trim()))) return false;
  const before = text === null || text === '' || text.endsWith('\n') ? (text ?? '') : `${text}\n`;
  await writeFile(file, `${before}${STATE_DIR}/\n`);
  return true;
}

async function isRepository(root: string): Promise<boolean> {
  return access(path.join(root, '.git')).then(
    () => true,
    () => false,
  );
}

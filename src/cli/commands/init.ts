import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SegueError } from '../../core/errors.ts';
import { PROJECT_FILE } from '../../wire/paths.ts';
import type { Input } from '../input.ts';
import { checkedProject } from '../project-text.ts';
import type { Shell } from '../shell.ts';
import { starterFile } from '../starter/file.ts';
import { lookAround } from '../starter/findings.ts';
import { ignoreState } from '../starter/gitignore.ts';
import type { Verb } from '../verb.ts';

export const init: Verb = {
  name: 'init',
  summary: 'write a first segue.yaml from package.json, Procfile or Dockerfile',
  options: [{ flag: 'force', value: null, summary: 'write it anew when there is one' }],
  examples: ['segue init', 'segue init --project ./shop'],
  async run(input, shell) {
    const root = path.resolve(shell.cwd, input.value('project') ?? '.');
    const found = await lookAround(root);
    const text = starterFile(found, schemaFrom(root, shell));
    await checkedProject(text, null);
    await write(root, text, input);
    const ignored = await ignoreState(root);
    if (input.json) shell.screen.json({ file: path.join(root, PROJECT_FILE), ...found, ignored });
    else shell.screen.print(told(found.start?.source ?? null, ignored, shell));
    return 0;
  },
};

/** Relative to the project, so that the line suits everybody who installs Segue in it. */
function schemaFrom(root: string, { places }: Shell): string {
  const relative = path.relative(root, places.schema).split(path.sep).join('/');
  return relative.startsWith('.') ? relative : `./${relative}`;
}

async function write(root: string, text: string, input: Input): Promise<void> {
  try {
    await writeFile(path.join(root, PROJECT_FILE), text, { flag: input.has('force') ? 'w' : 'wx' });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') throw new SegueError('FILE_EXISTS', path.join(root, PROJECT_FILE));
    if (code === 'ENOENT') throw new SegueError('USAGE', `There is no folder ${root}.`);
    if (code === 'EACCES' || code === 'EROFS') throw new SegueError('DIRECTORY_READ_ONLY', root);
    throw error;
  }
}

function told(source: string | null, ignored: boolean, { screen: { paint } }: Shell): string[] {
  return [
    `${paint('green', 'written')}: ${PROJECT_FILE}${source === null ? '' : `, the command from ${source}`}`,
    ...(ignored ? ['  .segue/ is now in .gitignore'] : []),
    ...(source === null ? ['  no command was found: put yours after "run:"'] : []),
    `${paint('cyan', 'next')}: look at it, then segue check, segue up, segue deploy web`,
  ];
}

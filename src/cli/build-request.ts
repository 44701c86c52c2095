/** What `plan` and `deploy` ask control for, from the same words. */
import path from 'node:path';
import { SegueError } from '../core/errors.ts';
import type { BuildRequest } from '../wire/api.ts';
import type { Input } from './input.ts';
import { chooseServices, type Session } from './session.ts';
import type { Shell } from './shell.ts';
import type { OptionSpec } from './verb.ts';
import { commitOf, versionIn } from './version-name.ts';

export const BUILD_OPTIONS: readonly OptionSpec[] = [
  {
    flag: 'version',
    value: 'NAME',
    summary: 'name of the version (default: the commit, or a digest where there are changes)',
  },
  {
    flag: 'dir',
    value: 'DIR',
    summary: 'folder to release (default: "files.dir" of the service)',
    completes: 'folder',
  },
];

/** One for each service that is to be released. */
export async function buildRequests(input: Input, session: Session, shell: Shell): Promise<BuildRequest[]> {
  const named = versionIn(input, 'version');
  const services = await chooseServices(input, session);
  const given = input.value('dir');
  if (given !== null && services.length > 1)
    throw new SegueError('USAGE', '--dir is for one service; several take "files.dir" of each.');
  const dir = given === null ? null : path.resolve(shell.cwd, given);
  const version = named ?? (await commitOf(dir ?? session.root));
  return services.map((service) => ({ service, version, dir }));
}

/** What `plan` and `deploy` ask control for, from the same words. */
import path from 'node:path';
import type { DeployRequest } from '../wire/api.ts';
import type { Input } from './input.ts';
import { chooseService, type Session } from './session.ts';
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

export async function buildRequest(input: Input, session: Session, shell: Shell): Promise<DeployRequest> {
  const named = versionIn(input, 'version');
  const service = await chooseService(input, session);
  const given = input.value('dir');
  const dir = given === null ? null : path.resolve(shell.cwd, given);
  const version = named ?? (await commitOf(dir ?? session.root));
  return { service, version, dir, by: session.by };
}

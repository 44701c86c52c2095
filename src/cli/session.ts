/** What nearly every verb begins with: the project, a client for its control, and who asks. */
import { SegueError } from '../core/errors.ts';
import { ControlClient } from './client.ts';
import type { Input } from './input.ts';
import { findRoot } from './project-root.ts';
import type { Shell } from './shell.ts';
import { whoAsks } from './who.ts';

export interface Session {
  readonly root: string;
  readonly client: ControlClient;
  readonly by: string;
}

export async function openSession(input: Input, shell: Shell): Promise<Session> {
  const root = await findRoot(shell.cwd, input.value('project'));
  return {
    root,
    client: new ControlClient(root, shell.cwd, shell.interrupted),
    by: whoAsks(shell.env),
  };
}

/** Those named, each once, or all with `--all`; else the only one there is. */
export async function chooseServices(input: Input, session: Session): Promise<readonly string[]> {
  const named = [...new Set(input.words('service'))];
  if (input.has('all')) {
    if (named.length > 0) throw new SegueError('USAGE', '--all is for every service: name none with it.');
    return session.client.serviceNames();
  }
  return named.length > 0 ? named : [await chooseService(input, session)];
}

/** The service named, or the only one there is. */
export async function chooseService(input: Input, { client }: Session): Promise<string> {
  const named = input.argument('service');
  if (named !== null) return named;
  const { services } = await client.status();
  const [only, ...more] = services;
  if (only && more.length === 0) return only.name;
  throw new SegueError('USAGE', `Name a service: ${services.map((service) => service.name).join(', ')}.`);
}

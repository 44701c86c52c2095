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

/** The service named, or the only one there is. */
export async function chooseService(input: Input, { client }: Session): Promise<string> {
  const named = input.argument('service');
  if (named !== null) return named;
  const { services } = await client.status();
  const [only, ...more] = services;
  if (only && more.length === 0) return only.name;
  throw new SegueError('USAGE', `Name a service: ${services.map((service) => service.name).join(', ')}.`);
}

import { limits } from '../../core/limits.ts';
import type { StatusResponse } from '../../wire/api.ts';
import { ControlClient } from '../client.ts';
import { findRoot } from '../project-root.ts';
import type { Shell } from '../shell.ts';
import type { Verb } from '../verb.ts';

/** Names for the shell while somebody types: never an error, never a long wait. */
export const complete: Verb = {
  name: '__complete',
  summary: 'names for shell completion',
  hidden: true,
  arguments: [{ name: 'kind', required: true, summary: 'service, instance or release' }],
  examples: ['segue __complete service'],
  async run(input, shell) {
    const names = await namesOf(input.argument('kind') ?? '', input.value('project'), shell).catch(() => []);
    if (input.json) shell.screen.json({ names });
    else if (names.length > 0) shell.screen.print(names);
    return 0;
  },
};

/** Whom a release can be of: services, and flags while they are rolled out. */
function namedBy({ services, rollouts = [] }: StatusResponse): string[] {
  return [...services.map(({ name }) => name), ...rollouts.map(({ release }) => release.service)];
}

async function namesOf(kind: string, project: string | null, shell: Shell): Promise<string[]> {
  const root = await findRoot(shell.cwd, project);
  const soon = AbortSignal.timeout(limits.cli.completionTimeoutMs);
  const client = new ControlClient(root, shell.cwd, soon);
  switch (kind) {
    case 'service':
      return namedBy(await client.status());
    case 'instance':
      return (await client.status()).services.flatMap((s) => s.instances.map((i) => i.id));
    case 'release':
      return (await client.releases(null, 20)).map((release) => release.id);
    default:
      return [];
  }
}

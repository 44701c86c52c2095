import { SegueError } from '../../core/errors.ts';
import { order, watchToGate } from '../follow.ts';
import { chooseService, openSession } from '../session.ts';
import { REASON, SERVICE, type Verb } from '../verb.ts';
import { versionIn } from '../version-name.ts';

export const rollback: Verb = {
  name: 'rollback',
  summary: 'go back to the version that served before, or to another that is kept',
  arguments: [SERVICE],
  options: [
    { flag: 'to', value: 'VERSION', summary: 'the version to go back to' },
    { flag: 'all', value: null, summary: 'with the services that it was released together with' },
    REASON,
  ],
  examples: [
    'segue rollback web',
    'segue rollback web --to v1 --reason "slow searches"',
    'segue rollback web --all',
  ],
  async run(input, shell) {
    const session = await openSession(input, shell);
    const { client, by } = session;
    const service = await chooseService(input, session);
    const reason = input.value('reason') ?? '';
    const to = versionIn(input, 'to');
    const all = input.has('all');
    if (all && to !== null)
      throw new SegueError('USAGE', '--to is for one service, --all goes back to before.');
    const asked = all
      ? client.rollbackAll(service, { by, reason }).then(({ releases: [first] }) => first ?? null)
      : client.rollback(service, { to, by, reason }).then(({ release }) => release);
    const release = await order(service, shell, asked);
    if (release) return watchToGate({ client, release }, shell, input.json);
    if (input.json) shell.screen.json({ release });
    else shell.screen.print([`that version serves ${service} already`]);
    return 0;
  },
};

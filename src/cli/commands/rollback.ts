import { order, watchToGate } from '../follow.ts';
import { chooseService, openSession } from '../session.ts';
import { REASON, SERVICE, type Verb } from '../verb.ts';
import { versionIn } from '../version-name.ts';

export const rollback: Verb = {
  name: 'rollback',
  summary: 'go back to the version that served before, or to another that is kept',
  arguments: [SERVICE],
  options: [{ flag: 'to', value: 'VERSION', summary: 'the version to go back to' }, REASON],
  examples: ['segue rollback web', 'segue rollback web --to v1 --reason "slow searches"'],
  async run(input, shell) {
    const session = await openSession(input, shell);
    const { client, by } = session;
    const service = await chooseService(input, session);
    const reason = input.value('reason') ?? '';
    const request = { to: versionIn(input, 'to'), by, reason };
    const { release } = await order(service, shell, client.rollback(service, request));
    if (release) return watchToGate({ client, release }, shell, input.json);
    if (input.json) shell.screen.json({ release });
    else shell.screen.print([`that version serves ${service} already`]);
    return 0;
  },
};

import { ERRORS } from '../../core/errors.ts';
import { watchToEnd } from '../follow.ts';
import { chooseService, openSession } from '../session.ts';
import { REASON, SERVICE, type Verb } from '../verb.ts';

export const abort: Verb = {
  name: 'abort',
  summary: 'take back the release that is under way',
  arguments: [SERVICE],
  options: [REASON],
  examples: ['segue abort web', 'segue abort web --reason "wrong build"'],
  async run(input, shell) {
    const session = await openSession(input, shell);
    const { client, by } = session;
    const service = await chooseService(input, session);
    const { release } = await client.say('abort', service, { by, reason: input.value('reason') ?? '' });
    const exitCode = await watchToEnd({ client, release }, shell, input.json);
    // Taken back is what was asked for.
    return exitCode === ERRORS.RELEASE_ABORTED.exit ? 0 : exitCode;
  },
};

import { BUILD_OPTIONS, buildRequest } from '../build-request.ts';
import { order, watchToGate } from '../follow.ts';
import { openSession } from '../session.ts';
import { SERVICE, type Verb } from '../verb.ts';

export const deploy: Verb = {
  name: 'deploy',
  summary: 'release a new version and follow it to its end',
  arguments: [SERVICE],
  options: BUILD_OPTIONS,
  examples: [
    'segue deploy web',
    'segue deploy web --version v2 --dir ./build',
    'segue deploy web --json > release.json    # exit code 0 done, 3 rolled back, 4 waits for a person',
  ],
  async run(input, shell) {
    const session = await openSession(input, shell);
    const request = await buildRequest(input, session, shell);
    const { release } = await order(request.service, shell, session.client.deploy(request));
    if (release) return watchToGate({ client: session.client, release }, shell, input.json);
    if (input.json) shell.screen.json({ release });
    else shell.screen.print([`${request.version ?? 'this build'} serves ${request.service} already`]);
    return 0;
  },
};

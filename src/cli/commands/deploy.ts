import { BUILD_OPTIONS, buildRequests } from '../build-request.ts';
import { order, watchToGate } from '../follow.ts';
import { openSession } from '../session.ts';
import { ALL, SERVICES, type Verb } from '../verb.ts';

export const deploy: Verb = {
  name: 'deploy',
  summary: 'release a new version and follow it to its end',
  arguments: [SERVICES],
  options: [...BUILD_OPTIONS, ALL],
  examples: [
    'segue deploy web',
    'segue deploy web --version v2 --dir ./build',
    'segue deploy web api             # finished or taken back as one',
    'segue deploy web --json > release.json    # exit code 0 done, 3 rolled back, 4 waits for a person',
  ],
  async run(input, shell) {
    const session = await openSession(input, shell);
    const { client, by } = session;
    const services = await buildRequests(input, session, shell);
    const names = services.map(({ service }) => service);
    const [alone, ...more] = services;
    const asked =
      alone && more.length === 0
        ? client.deploy({ ...alone, by }).then(({ release }) => (release ? [release] : []))
        : client.deployTogether({ services, by }).then(({ releases }) => releases);
    const begun = await order(names.join(', '), shell, asked);
    const serving = names.filter((name) => !begun.some(({ service }) => service === name));
    if (serving.length > 0 && !input.json)
      shell.screen.print([`${alone?.version ?? 'this build'} serves ${serving.join(', ')} already`]);
    const [release] = begun;
    if (release) return watchToGate({ client, release }, shell, input.json);
    if (input.json) shell.screen.json({ release: null });
    return 0;
  },
};

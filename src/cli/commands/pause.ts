import { SAYING, sayToRelease } from '../say.ts';
import { SERVICE, type Verb } from '../verb.ts';

export const pause: Verb = {
  name: 'pause',
  summary: 'let the release under way finish its step and begin no other',
  arguments: [SERVICE],
  options: SAYING,
  examples: ['segue pause web', 'segue pause web --reason "odd latencies, looking"'],
  run: (input, shell) =>
    sayToRelease(input, shell, ({ client, by }, service, reason) =>
      client.say('pause', service, { by, reason }),
    ),
};

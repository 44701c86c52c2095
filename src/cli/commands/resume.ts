import { SAYING, sayToRelease } from '../say.ts';
import { SERVICE, type Verb } from '../verb.ts';

export const resume: Verb = {
  name: 'resume',
  summary: 'let a paused release go on',
  arguments: [SERVICE],
  options: SAYING,
  examples: ['segue resume web', 'segue resume web --follow'],
  run: (input, shell) =>
    sayToRelease(input, shell, ({ client, by }, service, reason) =>
      client.say('resume', service, { by, reason }),
    ),
};

import { SAYING, sayToRelease } from '../say.ts';
import { SERVICE, type Verb } from '../verb.ts';

export const approve: Verb = {
  name: 'approve',
  summary: 'approve the release that waits for it',
  arguments: [SERVICE],
  options: SAYING,
  examples: ['segue approve web', 'segue approve web --reason "checked the checkout" --follow'],
  run: (input, shell) =>
    sayToRelease(input, shell, ({ client, by }, service, reason) =>
      client.say('approve', service, { by, reason }),
    ),
};

import type { StatusResponse } from '../../wire/api.ts';
import { renderStatus } from '../render/status.ts';
import { openSession } from '../session.ts';
import type { Verb } from '../verb.ts';
import { showAgain, WATCH } from '../watch.ts';

export const status: Verb = {
  name: 'status',
  summary: 'show what serves now: services, versions, instances, releases under way',
  options: [WATCH],
  examples: ['segue status', 'segue status --watch', 'segue status --json'],
  async run(input, shell) {
    const { client } = await openSession(input, shell);
    const ask = () => client.status();
    const render = (now: StatusResponse) => renderStatus(now, shell.time.nowMs(), shell.screen.paint);
    if (input.has('watch')) return showAgain({ ask, render }, shell, input.json);
    const now = await ask();
    if (input.json) shell.screen.json(now);
    else shell.screen.print(render(now));
    return 0;
  },
};

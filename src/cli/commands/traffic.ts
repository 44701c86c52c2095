import type { TrafficResponse } from '../../wire/api.ts';
import { renderTraffic } from '../render/traffic.ts';
import { openSession } from '../session.ts';
import { SERVICE, type Verb } from '../verb.ts';
import { showAgain, WATCH } from '../watch.ts';

export const traffic: Verb = {
  name: 'traffic',
  summary: 'show where requests go now: the split, rates, errors, latencies, what is in flight',
  arguments: [{ ...SERVICE, summary: 'only this service' }],
  options: [WATCH],
  examples: ['segue traffic', 'segue traffic web --watch', 'segue traffic --json'],
  async run(input, shell) {
    const { client } = await openSession(input, shell);
    const ask = () => client.traffic(input.argument('service'));
    const render = (now: TrafficResponse) => renderTraffic(now, shell.screen.paint);
    if (input.has('watch')) return showAgain({ ask, render }, shell, input.json);
    const now = await ask();
    if (input.json) shell.screen.json(now);
    else shell.screen.print(render(now));
    return 0;
  },
};

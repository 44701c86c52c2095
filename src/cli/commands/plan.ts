import { BUILD_OPTIONS, buildRequest } from '../build-request.ts';
import { renderPlan } from '../render/plan.ts';
import { openSession } from '../session.ts';
import { SERVICE, type Verb } from '../verb.ts';

export const plan: Verb = {
  name: 'plan',
  summary: 'show what a deploy would do, step by step, and the way back from each; changes nothing',
  arguments: [SERVICE],
  options: BUILD_OPTIONS,
  examples: ['segue plan web', 'segue plan web --version v2 --dir ./build'],
  async run(input, shell) {
    const session = await openSession(input, shell);
    const response = await session.client.plan(await buildRequest(input, session, shell));
    if (input.json) shell.screen.json(response);
    else shell.screen.print(renderPlan(response.plan, response.serving, shell.screen.paint));
    return 0;
  },
};

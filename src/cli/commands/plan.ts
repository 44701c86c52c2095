import { BUILD_OPTIONS, buildRequests } from '../build-request.ts';
import { renderPlan } from '../render/plan.ts';
import { openSession } from '../session.ts';
import { ALL, SERVICES, type Verb } from '../verb.ts';

export const plan: Verb = {
  name: 'plan',
  summary: 'show what a deploy would do, step by step, and the way back from each; changes nothing',
  arguments: [SERVICES],
  options: [...BUILD_OPTIONS, ALL],
  examples: ['segue plan web', 'segue plan web --version v2 --dir ./build', 'segue plan web api'],
  async run(input, shell) {
    const session = await openSession(input, shell);
    const { client, by } = session;
    const services = await buildRequests(input, session, shell);
    const [alone, ...more] = services;
    const plans =
      alone && more.length === 0
        ? [await client.plan({ ...alone, by })]
        : (await client.planTogether({ services, by })).plans;
    const [only] = plans;
    if (input.json) shell.screen.json(plans.length === 1 ? only : { plans });
    else
      for (const [i, each] of plans.entries())
        shell.screen.print([
          ...(i > 0 ? [''] : []),
          ...renderPlan(each.plan, each.serving, shell.screen.paint),
        ]);
    return 0;
  },
};

import { SegueError } from '../../core/errors.ts';
import { NO_ENVIRONMENT } from '../../wire/api-version.ts';
import { isAnswering, startControl } from '../control-process.ts';
import { checkedProject, readProjectText } from '../project-text.ts';
import { renderApplied } from '../render/services.ts';
import { openSession } from '../session.ts';
import { ENVIRONMENT, type Verb } from '../verb.ts';

export const up: Verb = {
  name: 'up',
  summary: 'start Segue for this project, or put a changed segue.yaml into force',
  options: [
    ENVIRONMENT,
    {
      flag: 'renew-gateway',
      value: null,
      summary:
        'replace the gateway by its newest code, without a refused connection, whatever version it runs',
    },
  ],
  examples: [
    'segue up',
    'segue up --environment staging',
    'segue up --environment none',
    'segue up --renew-gateway',
  ],
  async run(input, shell) {
    const { root, client, by } = await openSession(input, shell);
    const asked = input.value('environment');
    const running = (await isAnswering(client)) ? await client.status() : null;
    // Not asked for: the one that runs, or the one of the last `up`, which control remembers.
    const environment = asked ?? running?.environment ?? null;
    await checkedProject(await readProjectText(root), environment === NO_ENVIRONMENT ? null : environment);
    if (running === null) await startControl({ root, environment, client }, shell);
    else if (asked !== null && (running.environment ?? NO_ENVIRONMENT) !== asked)
      throw new SegueError(
        'CONTROL_RUNNING',
        `It runs for the environment ${running.environment ?? NO_ENVIRONMENT}.`,
      );
    const applied = await client.apply(by, input.has('renew-gateway'));
    if (input.json) shell.screen.json(applied);
    else shell.screen.print(renderApplied(applied, shell.screen.paint));
    return 0;
  },
};

import { SegueError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { isAnswering } from '../control-process.ts';
import { openSession } from '../session.ts';
import type { Verb } from '../verb.ts';

export const down: Verb = {
  name: 'down',
  summary: 'stop Segue for this project: instances, gateway and control',
  options: [
    {
      flag: 'keep-instances',
      value: null,
      summary: 'stop control only: gateway and instances go on serving',
    },
  ],
  examples: ['segue down', 'segue down --keep-instances'],
  async run(input, shell) {
    const { client, by } = await openSession(input, shell);
    const keep = input.has('keep-instances');
    await client.down(by, !keep);
    const untilMs = shell.time.monotonicMs() + limits.cli.controlStopTimeoutMs;
    while (await isAnswering(client)) {
      if (shell.time.monotonicMs() > untilMs)
        throw new SegueError('STOP_FAILED', 'Control still answers; read .segue/control.log.');
      await shell.time.pause(limits.cli.pollIntervalMs, shell.interrupted);
    }
    const serving = keep ? ': gateway and instances go on serving; "segue up" takes them over' : '';
    if (input.json) shell.screen.json({ down: true, instances: !keep });
    else shell.screen.print([`${shell.screen.paint('green', 'down')}${serving}`]);
    return 0;
  },
};

import { SegueError } from '../../core/errors.ts';
import type { ControlClient, LogQuery } from '../client.ts';
import { renderAccessLine } from '../render/access.ts';
import { renderLogLine } from '../render/logs.ts';
import { openSession } from '../session.ts';
import type { Shell } from '../shell.ts';
import { SERVICE, type Verb } from '../verb.ts';

const LINES_MAX = 100_000;

export const logs: Verb = {
  name: 'logs',
  summary: 'show what the instances wrote, or the requests',
  arguments: [{ ...SERVICE, summary: 'only this service' }],
  options: [
    { flag: 'instance', value: 'ID', summary: 'only this instance', completes: 'instance' },
    { flag: 'access', value: null, summary: 'show the access log of the gateway instead' },
    { flag: 'lines', value: 'N', summary: 'how many last lines, per instance (default: 50)' },
    { flag: 'follow', value: null, summary: 'go on with new lines until Ctrl-C' },
  ],
  examples: [
    'segue logs',
    'segue logs web --follow',
    'segue logs --instance web-r3-1 --lines 200',
    'segue logs web --access --follow',
  ],
  async run(input, shell) {
    const { client } = await openSession(input, shell);
    const asked = {
      service: input.argument('service'),
      instance: input.value('instance'),
      lines: input.whole('lines', 50, LINES_MAX),
      follow: input.has('follow'),
    };
    if (input.has('access')) return showAccess(client, asked, shell, input.json);
    const isListed = await findIn(client, asked);
    let shown = 0;
    try {
      // An instance that is no longer listed writes nothing new.
      for await (const line of client.logs({ ...asked, follow: asked.follow && isListed })) {
        shown += 1;
        if (input.json) shell.screen.jsonLine(line);
        else shell.screen.print([renderLogLine(line, shell.screen.paint)]);
      }
    } catch (error) {
      if (!shell.interrupted.aborted) throw error;
    }
    if (!isListed && shown === 0) throw new SegueError('INSTANCE_UNKNOWN', `"${asked.instance}"`);
    return 0;
  },
};

async function showAccess(
  client: ControlClient,
  asked: LogQuery,
  shell: Shell,
  json: boolean,
): Promise<number> {
  try {
    for await (const line of client.access(asked)) {
      if (json) shell.screen.jsonLine(line);
      else shell.screen.print([renderAccessLine(line, shell.screen.paint)]);
    }
  } catch (error) {
    if (!shell.interrupted.aborted) throw error;
  }
  return 0;
}

/** False for an instance that has ended, whose log may be kept for a while, or that never was. */
async function findIn(client: ControlClient, { service, instance }: LogQuery): Promise<boolean> {
  const { services } = await client.status();
  if (service !== null && !services.some((s) => s.name === service))
    throw new SegueError(
      'SERVICE_UNKNOWN',
      `"${service}"; there is ${services.map((s) => s.name).join(', ')}.`,
    );
  return instance === null || services.some((s) => s.instances.some((i) => i.id === instance));
}

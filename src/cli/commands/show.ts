import { SegueError } from '../../core/errors.ts';
import { entriesToEnd, exitCodeOf, watchToEnd } from '../follow.ts';
import { renderRelease } from '../render/release.ts';
import { openSession, type Session } from '../session.ts';
import type { Verb } from '../verb.ts';

export const show: Verb = {
  name: 'show',
  summary: 'show one release: its plan, the way back, its timeline and what happened to requests',
  arguments: [
    {
      name: 'release',
      required: false,
      summary: 'number of the release; without it the newest',
      completes: 'release',
    },
  ],
  options: [{ flag: 'follow', value: null, summary: 'follow it to its end; the exit code is its outcome' }],
  examples: ['segue show', 'segue show r7', 'segue show r7 --follow'],
  async run(input, shell) {
    const session = await openSession(input, shell);
    const response = await session.client.release(input.argument('release') ?? (await newest(session)));
    const watched = { client: session.client, release: response.release };
    if (!input.has('follow')) {
      if (input.json) shell.screen.json(response);
      else shell.screen.print(renderRelease(response, shell.time.nowMs(), shell.screen.paint));
      return 0;
    }
    if (!input.json) return watchToEnd(watched, shell, false);
    for await (const entry of entriesToEnd(watched, shell)) shell.screen.jsonLine(entry);
    return exitCodeOf(await session.client.release(response.release.id));
  },
};

async function newest({ client }: Session): Promise<string> {
  const [release] = await client.releases(null, 1);
  if (release) return release.id;
  throw new SegueError('RELEASE_UNKNOWN', 'Nothing was released yet.');
}

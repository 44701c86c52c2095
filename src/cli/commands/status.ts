import { limits } from '../../core/limits.ts';
import { renderStatus } from '../render/status.ts';
import { openSession, type Session } from '../session.ts';
import type { Shell } from '../shell.ts';
import type { Verb } from '../verb.ts';

export const status: Verb = {
  name: 'status',
  summary: 'show what serves now: services, versions, instances, releases under way',
  options: [{ flag: 'watch', value: null, summary: 'show it again every second until Ctrl-C' }],
  examples: ['segue status', 'segue status --watch', 'segue status --json'],
  async run(input, shell) {
    const session = await openSession(input, shell);
    if (input.has('watch')) return watch(session, shell, input.json);
    const now = await session.client.status();
    if (input.json) shell.screen.json(now);
    else shell.screen.print(renderStatus(now, shell.time.nowMs(), shell.screen.paint));
    return 0;
  },
};

async function watch({ client }: Session, shell: Shell, json: boolean): Promise<number> {
  const { screen, time, interrupted } = shell;
  const drawing = screen.live && !json ? await screen.open() : null;
  try {
    while (!interrupted.aborted) {
      const now = await client.status();
      const lines = () => renderStatus(now, time.nowMs(), screen.paint);
      if (json) screen.jsonLine(now);
      else if (drawing) drawing.draw(lines());
      else screen.print([...lines(), '']);
      await time.pause(limits.cli.watchIntervalMs, interrupted);
    }
  } catch (error) {
    if (!interrupted.aborted) throw error;
  } finally {
    drawing?.close();
  }
  return 0;
}

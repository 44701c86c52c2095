/** One view again and again until Ctrl-C: drawn over itself where somebody watches, one after the other elsewhere. */
import { limits } from '../core/limits.ts';
import type { Shell } from './shell.ts';
import type { OptionSpec } from './verb.ts';

export const WATCH: OptionSpec = {
  flag: 'watch',
  value: null,
  summary: 'show it again every second until Ctrl-C',
};

export interface View<T> {
  readonly ask: () => Promise<T>;
  readonly render: (now: T) => string[];
}

/** Gives the exit code. */
export async function showAgain<T>({ ask, render }: View<T>, shell: Shell, json: boolean): Promise<number> {
  const { screen, time, interrupted } = shell;
  const drawing = screen.live && !json ? await screen.open() : null;
  try {
    while (!interrupted.aborted) {
      const now = await ask();
      if (json) screen.jsonLine(now);
      else if (drawing) drawing.draw(render(now));
      else screen.print([...render(now), '']);
      await time.pause(limits.cli.watchIntervalMs, interrupted);
    }
  } catch (error) {
    if (!interrupted.aborted) throw error;
  } finally {
    drawing?.close();
  }
  return 0;
}

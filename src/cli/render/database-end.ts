import type { Input } from '../input.ts';
import type { Shell } from '../shell.ts';

/** What became of a change, and what comes next. Gives the exit code. */
export function sayPhase(
  input: Input,
  { screen }: Shell,
  change: string,
  phase: string,
  next: string | null,
): number {
  if (input.json) screen.jsonLine({ change, phase });
  else
    screen.print([
      `${screen.paint('green', phase)}: ${change}`,
      ...(next === null ? [] : [`${screen.paint('cyan', 'next')}: ${next}`]),
    ]);
  return 0;
}

/** What is said to the release of a service that is under way, and what becomes of it. */
import type { ReleaseRecord } from '../core/release/records.ts';
import { watchToEnd } from './follow.ts';
import type { Input } from './input.ts';
import { renderSaid } from './render/ending.ts';
import { chooseService, openSession, type Session } from './session.ts';
import type { Shell } from './shell.ts';
import { type OptionSpec, REASON } from './verb.ts';

export const SAYING: readonly OptionSpec[] = [
  REASON,
  { flag: 'follow', value: null, summary: 'follow the release to its end; the exit code is its outcome' },
];

type Say = (session: Session, service: string, reason: string) => Promise<{ release: ReleaseRecord }>;

/** Gives the exit code. */
export async function sayToRelease(input: Input, shell: Shell, say: Say): Promise<number> {
  const session = await openSession(input, shell);
  const service = await chooseService(input, session);
  const { release } = await say(session, service, input.value('reason') ?? '');
  const watched = { client: session.client, release };
  if (input.has('follow')) return watchToEnd(watched, shell, input.json);
  const response = await session.client.release(release.id);
  if (input.json) shell.screen.json(response);
  else shell.screen.print(renderSaid(response, shell.screen.paint));
  return 0;
}

import { SegueError } from '../../core/errors.ts';
import type { Extent } from '../../core/release/gate.ts';
import type { Input } from '../input.ts';
import { SAYING, sayToRelease } from '../say.ts';
import { SERVICE, type Verb } from '../verb.ts';

export const promote: Verb = {
  name: 'promote',
  summary: 'pass the gate that the release is at, before its time or its evidence',
  arguments: [SERVICE],
  options: [
    { flag: 'full', value: null, summary: 'pass every gate before full traffic' },
    { flag: 'now', value: null, summary: 'pass every gate to the end, the bake included' },
    ...SAYING,
  ],
  examples: ['segue promote web', 'segue promote web --full --reason "hotfix"'],
  run: (input, shell) =>
    sayToRelease(input, shell, ({ client, by }, service, reason) =>
      client.promote(service, { by, reason, extent: extentOf(input) }),
    ),
};

function extentOf(input: Input): Extent {
  const [full, now] = [input.has('full'), input.has('now')];
  if (full && now) throw new SegueError('USAGE', '--full and --now exclude each other.');
  return now ? 'now' : full ? 'full' : 'gate';
}

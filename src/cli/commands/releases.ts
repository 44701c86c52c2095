import { limits } from '../../core/limits.ts';
import { renderReleases } from '../render/release.ts';
import { openSession } from '../session.ts';
import { SERVICE, type Verb } from '../verb.ts';

export const releases: Verb = {
  name: 'releases',
  summary: 'list releases, the newest first',
  arguments: [{ ...SERVICE, summary: 'only those of this service' }],
  options: [{ flag: 'limit', value: 'N', summary: 'how many (default: 20)' }],
  examples: ['segue releases', 'segue releases web --limit 5'],
  async run(input, shell) {
    const { client } = await openSession(input, shell);
    const limit = input.whole('limit', 20, limits.store.entriesPerPageMax);
    const found = await client.releases(input.argument('service'), limit);
    if (input.json) shell.screen.json({ releases: found });
    else shell.screen.print(renderReleases(found, shell.time.nowMs(), shell.screen.paint));
    return 0;
  },
};

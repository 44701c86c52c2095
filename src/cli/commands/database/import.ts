import type { Verb } from '../../verb.ts';
export const importVerb: Verb = {
  name: 'import',
  summary: 'x',
  examples: ['segue database import x'],
  async run() {
    return 0;
  },
};

import { SegueError } from '../../core/errors.ts';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { zshCompletion } from '../completion/zsh.ts';
import type { Verb } from '../verb.ts';

type Script = (verbs: readonly Verb[]) => string[];

const SCRIPTS: ReadonlyMap<string, Script> = new Map([
  ['bash', bashCompletion],
  ['zsh', zshCompletion],
  ['fish', fishCompletion],
]);

/** Gets the table of verbs, of which it is a part, only when it runs. */
export function completionOf(verbs: () => readonly Verb[]): Verb {
  return {
    name: 'completion',
    summary: 'write the completion script for a shell',
    arguments: [
      { name: 'shell', required: true, summary: 'bash, zsh or fish', completes: [...SCRIPTS.keys()] },
    ],
    examples: [
      'segue completion bash > ~/.local/share/bash-completion/completions/segue',
      'segue completion zsh > "${fpath[1]}/_segue"',
      'segue completion fish > ~/.config/fish/completions/segue.fish',
    ],
    async run(input, shell) {
      const name = input.argument('shell') ?? '';
      const script = SCRIPTS.get(name);
      if (!script) throw new SegueError('USAGE', `No completion for "${name}"; there is bash, zsh and fish.`);
      const lines = script(verbs().filter((verb) => !verb.hidden));
      if (input.json) shell.screen.json({ shell: name, script: lines.join('\n') });
      else shell.screen.print(lines);
      return 0;
    },
  };
}

import { COMMON_OPTIONS, type Completes, type OptionSpec, type Verb } from '../verb.ts';

export function fishCompletion(verbs: readonly Verb[]): string[] {
  return ['# segue completion for fish', 'complete -c segue -f', ...verbs.flatMap(verbLines)];
}

function verbLines(verb: Verb): string[] {
  const after = `-n ${quoted(`__fish_seen_subcommand_from ${verb.name}`)}`;
  const named = (verb.arguments ?? []).flatMap(({ completes }) =>
    completes === undefined ? [] : [`complete -c segue ${after} ${choices(completes)}`],
  );
  return [
    `complete -c segue -n __fish_use_subcommand -a ${verb.name} -d ${quoted(verb.summary)}`,
    ...[...(verb.options ?? []), ...COMMON_OPTIONS].map((o) => `complete -c segue ${after} ${option(o)}`),
    ...named,
  ];
}

function option({ flag, value, summary, completes }: OptionSpec): string {
  const takes = value === null ? '' : ` -x${completes === undefined ? '' : ` ${choices(completes)}`}`;
  return `-l ${flag}${takes} -d ${quoted(summary)}`;
}

function choices(completes: Completes): string {
  if (completes === 'folder') return "-a '(__fish_complete_directories)'";
  const words = typeof completes === 'string' ? `(segue __complete ${completes})` : completes.join(' ');
  return `-a ${quoted(words)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

import { COMMON_OPTIONS, type Completes, type OptionSpec, type Verb } from '../verb.ts';

export function fishCompletion(verbs: readonly Verb[]): string[] {
  return [
    '# segue completion for fish',
    'complete -c segue -f',
    ...verbs.flatMap((verb) => verbLines(verb, notIn(verbs))),
  ];
}

/** A verb of a group may be called as one that stands alone. */
function notIn(verbs: readonly Verb[]): string {
  const groups = verbs.filter((verb) => verb.verbs).map((verb) => verb.name);
  return groups.length === 0 ? '' : `; and not __fish_seen_subcommand_from ${groups.join(' ')}`;
}

function verbLines(verb: Verb, alone: string): string[] {
  const first = `complete -c segue -n __fish_use_subcommand -a ${verb.name} -d ${quoted(verb.summary)}`;
  const seen = `__fish_seen_subcommand_from ${verb.name}`;
  if (!verb.verbs) return [first, ...optionLines(verb, `${seen}${alone}`)];
  const names = verb.verbs.map((each) => each.name).join(' ');
  const undecided = quoted(`${seen}; and not __fish_seen_subcommand_from ${names}`);
  return [
    first,
    ...verb.verbs.flatMap((each) => [
      `complete -c segue -n ${undecided} -a ${each.name} -d ${quoted(each.summary)}`,
      ...optionLines(each, `${seen}; and __fish_seen_subcommand_from ${each.name}`),
    ]),
  ];
}

function optionLines(verb: Verb, condition: string): string[] {
  const after = `-n ${quoted(condition)}`;
  const named = (verb.arguments ?? []).flatMap(({ completes }) =>
    completes === undefined ? [] : [`complete -c segue ${after} ${choices(completes)}`],
  );
  return [
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
  if (completes === 'file') return '-F';
  const words = typeof completes === 'string' ? `(segue __complete ${completes})` : completes.join(' ');
  return `-a ${quoted(words)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

import { COMMON_OPTIONS, type Completes, flatVerbs, type Verb } from '../verb.ts';

export function bashCompletion(top: readonly Verb[]): string[] {
  const groups = top.filter(({ verbs }) => verbs);
  const verbs = flatVerbs(top);
  return [
    '# segue completion for bash',
    '_segue() {',
    '  local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" verb="${COMP_WORDS[1]}"',
    '  COMPREPLY=()',
    '  if ((COMP_CWORD == 1)); then',
    `    COMPREPLY=($(compgen -W "${top.map((verb) => verb.name).join(' ')} --help --version" -- "$cur"))`,
    '    return',
    '  fi',
    ...groups.flatMap(groupCase),
    '  case "$verb $prev" in',
    ...verbs.flatMap(optionCases),
    '  esac',
    '  if [[ "$cur" == -* ]]; then',
    '    case "$verb" in',
    ...verbs.map((verb) => `      "${verb.name}") COMPREPLY=($(compgen -W "${flags(verb)}" -- "$cur")) ;;`),
    '    esac',
    '    return',
    '  fi',
    '  case "$verb" in',
    ...verbs.flatMap((verb) => argumentCase(verb)),
    '  esac',
    '}',
    'complete -F _segue segue',
  ];
}

/** The second word names the verb, and from the third on both together do. */
function groupCase({ name, verbs = [] }: Verb): string[] {
  const names = verbs.map((verb) => verb.name).join(' ');
  return [
    `  if [[ "$verb" == ${name} ]]; then`,
    '    if ((COMP_CWORD == 2)); then',
    `      COMPREPLY=($(compgen -W "${names} --help" -- "$cur"))`,
    '      return',
    '    fi',
    '    verb="$verb ${COMP_WORDS[2]}"',
    '  fi',
  ];
}

function flags(verb: Verb): string {
  const options = [...(verb.options ?? []), ...COMMON_OPTIONS].map((option) => `--${option.flag}`);
  return [...options, '--help'].join(' ');
}

function optionCases(verb: Verb): string[] {
  return [...(verb.options ?? []), ...COMMON_OPTIONS]
    .filter((option) => option.value !== null)
    .map(({ flag, completes }) => {
      const reply = completes ? `COMPREPLY=($(compgen ${words(completes)} -- "$cur")); ` : '';
      return `    "${verb.name} --${flag}") ${reply}return ;;`;
    });
}

function argumentCase(verb: Verb): string[] {
  const completes = verb.arguments?.[0]?.completes;
  if (!completes) return [];
  return [`    "${verb.name}") COMPREPLY=($(compgen ${words(completes)} -- "$cur")) ;;`];
}

function words(completes: Completes): string {
  if (completes === 'folder') return '-d';
  if (completes === 'file') return '-f';
  if (typeof completes !== 'string') return `-W "${completes.join(' ')}"`;
  return `-W "$(segue __complete ${completes} 2>/dev/null)"`;
}

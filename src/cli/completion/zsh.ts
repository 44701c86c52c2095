import { COMMON_OPTIONS, type ArgumentSpec, type Completes, type OptionSpec, type Verb } from '../verb.ts';

export function zshCompletion(verbs: readonly Verb[]): string[] {
  return [
    '#compdef segue',
    '_segue_names() {',
    '  local -a names=(${(f)"$(segue __complete $1 2>/dev/null)"})',
    '  (( $#names )) && compadd -a names',
    '}',
    '_segue() {',
    '  local -a verbs=(',
    ...verbs.map((verb) => `    ${quoted(`${verb.name}:${verb.summary}`)}`),
    '  )',
    '  if (( CURRENT == 2 )); then',
    "    _describe 'verb' verbs",
    '    return',
    '  fi',
    '  local verb=$words[2]',
    '  shift words',
    '  (( CURRENT-- ))',
    '  case $verb in',
    ...verbs.flatMap(verbCase),
    '  esac',
    '}',
    'compdef _segue segue',
  ];
}

function verbCase(verb: Verb): string[] {
  if (!verb.verbs) return [`    ${verb.name}) _arguments ${specs(verb).join(' ')} ;;`];
  return [
    `    ${verb.name})`,
    '      if (( CURRENT == 2 )); then',
    `        verbs=(${verb.verbs.map((each) => quoted(`${each.name}:${each.summary}`)).join(' ')})`,
    "        _describe 'verb' verbs",
    '        return',
    '      fi',
    '      verb=$words[2]',
    '      shift words',
    '      (( CURRENT-- ))',
    '      case $verb in',
    ...verb.verbs.map((each) => `        ${each.name}) _arguments ${specs(each).join(' ')} ;;`),
    '      esac ;;',
  ];
}

function specs(verb: Verb): string[] {
  const options = [...(verb.options ?? []), ...COMMON_OPTIONS].map(optionSpec);
  return [...options, quoted('--help[show help]'), ...(verb.arguments ?? []).map(argumentSpec)];
}

function optionSpec({ flag, value, summary, completes }: OptionSpec): string {
  const what = `--${flag}[${bracketed(summary)}]`;
  return quoted(value === null ? what : `${what}:${value}:${action(completes)}`);
}

function argumentSpec({ name, completes, many }: ArgumentSpec, index: number): string {
  return quoted(`${many === true ? '*' : index + 1}:${name}:${action(completes)}`);
}

function action(completes: Completes | undefined): string {
  if (completes === undefined) return '';
  if (completes === 'folder') return '_files -/';
  if (completes === 'file') return '_files';
  return typeof completes === 'string' ? `_segue_names ${completes}` : `(${completes.join(' ')})`;
}

function bracketed(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

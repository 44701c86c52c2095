/** One verb of the CLI as data: the program, the help and the shell completion are made from it. */
import type { Input } from './input.ts';
import type { Shell } from './shell.ts';

export interface Verb {
  readonly name: string;
  readonly summary: string;
  readonly arguments?: readonly ArgumentSpec[];
  readonly options?: readonly OptionSpec[];
  readonly examples: readonly string[];
  /** Not in help and completion. */
  readonly hidden?: boolean;
  /** The result is the exit code; a SegueError gives its own. */
  run(input: Input, shell: Shell): Promise<number>;
}

/** Verbs of one subject, such as `segue database plan`. */
export interface VerbGroup {
  readonly name: string;
  readonly summary: string;
  readonly verbs: readonly Verb[];
}

/** A verb with the words that call it. */
export interface Called {
  readonly words: readonly string[];
  readonly verb: Verb;
}

export function everyVerb(verbs: readonly (Verb | VerbGroup)[]): Called[] {
  return verbs.flatMap((each) =>
    'verbs' in each
      ? each.verbs.map((verb) => ({ words: [each.name, verb.name], verb }))
      : [{ words: [each.name], verb: each }],
  );
}

/** For completion, which knows one level: the verbs of a group are its first word, and it takes what any of them takes. */
export function asVerb(verb: Verb | VerbGroup): Verb {
  if (!('verbs' in verb)) return verb;
  const { name, summary, verbs } = verb;
  const options = new Map(verbs.flatMap((each) => each.options ?? []).map((option) => [option.flag, option]));
  const words = verbs.map((each) => each.name);
  return {
    ...{ name, summary, options: [...options.values()], examples: [] },
    arguments: [{ name: 'verb', required: true, summary: words.join(', '), completes: words }],
    run: () => Promise.resolve(0),
  };
}

/** What completes a word: names that control knows, words of a fixed list, folders. */
export type Completes = 'service' | 'instance' | 'release' | 'folder' | readonly string[];

export interface ArgumentSpec {
  readonly name: string;
  readonly required: boolean;
  readonly summary: string;
  readonly completes?: Completes;
  /** It and all words after it. */
  readonly many?: boolean;
}

export interface OptionSpec {
  /** Long form without dashes. */
  readonly flag: string;
  /** Name of the value; null for a switch. */
  readonly value: string | null;
  readonly summary: string;
  readonly completes?: Completes;
}

export const SERVICE: ArgumentSpec = {
  name: 'service',
  required: false,
  summary: 'name of the service; may be left out where there is only one',
  completes: 'service',
};

export const SERVICES: ArgumentSpec = {
  name: 'service',
  required: false,
  summary:
    'names of services, released as one where there are several; may be left out where there is only one',
  completes: 'service',
  many: true,
};

export const ALL: OptionSpec = { flag: 'all', value: null, summary: 'every service of segue.yaml' };

export const REASON: OptionSpec = { flag: 'reason', value: 'TEXT', summary: 'why, for the journal' };

export const ENVIRONMENT: OptionSpec = {
  flag: 'environment',
  value: 'NAME',
  summary: 'lay this environment of segue.yaml over the rest',
};

/** Every verb takes these. */
export const COMMON_OPTIONS: readonly OptionSpec[] = [
  {
    flag: 'project',
    value: 'DIR',
    summary: 'folder of the project (default: the nearest segue.yaml upwards)',
    completes: 'folder',
  },
  { flag: 'json', value: null, summary: 'write the result as JSON' },
];

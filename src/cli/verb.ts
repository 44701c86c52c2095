/** One verb of the CLI as data: the program, the help and the shell completion are made from it. */
import { SegueError } from '../core/errors.ts';
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
  /** Of a group, whose own run only says what there is. */
  readonly verbs?: readonly Verb[];
  /** The result is the exit code; a SegueError gives its own. */
  run(input: Input, shell: Shell): Promise<number>;
}

/** Verbs under one word: `segue database lint`. */
export function groupOf(name: string, summary: string, verbs: readonly Verb[]): Verb {
  const names = verbs.map((verb) => verb.name);
  return {
    name,
    summary,
    verbs,
    arguments: [{ name: 'verb', required: false, summary: names.join(', '), completes: names }],
    examples: verbs.flatMap((verb) => verb.examples.slice(0, 1)),
    run(input) {
      const given = input.argument('verb');
      const there = `segue ${name} has: ${names.join(', ')}.`;
      throw new SegueError(
        'USAGE',
        given === null ? there : `There is no "segue ${name} ${given}"; ${there}`,
      );
    },
  };
}

/** Verbs as they are typed, those of groups with both words; groups themselves are left out. */
export function flatVerbs(verbs: readonly Verb[]): readonly Verb[] {
  return verbs.flatMap(({ verbs: inside, ...verb }) =>
    inside ? inside.map((each) => ({ ...each, name: `${verb.name} ${each.name}` })) : [verb],
  );
}

/** What completes a word: names that control knows, words of a fixed list, folders, files. */
export type Completes = 'service' | 'instance' | 'release' | 'folder' | 'file' | readonly string[];

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
  summary: 'name of the service, or of a flag that is rolled out; may be left out where there is one service',
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

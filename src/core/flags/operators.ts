/** The operators of flagd's targeting. */
import { bucketsOf, chosen } from './fractional.ts';
import { isJsonList, isList, type Json, textOf } from './json.ts';
import { argumentsOf } from './logic-arguments.ts';
import {
  type Compiled,
  inside,
  NOBODY,
  type Operator,
  type Position,
  type Run,
  type Scope,
} from './logic.ts';
import { comparable, isTrue, wrongArguments } from './logic-values.ts';
import { LIST_OPERATORS } from './operators-lists.ts';
import { NUMBER_OPERATORS } from './operators-numbers.ts';
import { TEXT_OPERATORS } from './operators-text.ts';
import { VARIABLE_OPERATORS } from './operators-variables.ts';
import { semVer } from './sem-ver.ts';

/** What does not take these arguments; a rule made of constants alone is refused for it, another fails when asked. */
const failing = (name: string, constant: boolean): Compiled => ({
  run: () => {
    throw wrongArguments(name);
  },
  constant,
});

const choose: Operator = (args, at, compiler) => {
  if (!isJsonList(args)) return failing('if', compiler.compile(args, at).constant);
  const short = args.length < 3;
  const place: Position = short ? { ...at, loose: true } : at;
  const { runs, constant } = argumentsOf(args, place, compiler);
  const otherwise: Run = runs.length % 2 === 1 ? (runs.at(-1) ?? (() => null)) : () => null;
  const last = runs.length - (runs.length % 2);
  return {
    constant,
    run: (scope, data) => {
      for (let i = 0; i < last; i += 2) if (isTrue(runs[i]?.(scope, data))) return runs[i + 1]?.(scope, data);
      return otherwise(scope, data);
    },
  };
};

/** `and`: the first that is not true, `or`: the first that is; or the last. */
const junction =
  (name: string, endsWith: boolean): Operator =>
  (args, at, compiler) => {
    if (!isJsonList(args)) return failing(name, compiler.compile(args, at).constant);
    const { runs, constant } = argumentsOf(args, at, compiler);
    return {
      constant,
      run: (scope, data) => {
        let value: unknown = null;
        for (const run of runs) {
          value = run(scope, data);
          if (!at.loose) scope.last = value;
          if (isTrue(value) === endsWith) return value;
        }
        return value;
      },
    };
  };

const negation =
  (isNot: boolean): Operator =>
  (args, at, compiler) => {
    const { run, constant } = isJsonList(args)
      ? compiler.compile(args[0], inside(at, 0))
      : compiler.compile(args, at);
    return { constant, run: (scope, data) => isTrue(run(scope, data)) !== isNot };
  };

const comparison =
  (name: string, holds: (a: unknown, b: unknown) => boolean): Operator =>
  (args, at, compiler) => {
    if (!isJsonList(args)) return failing(name, compiler.compile(args, at).constant);
    const { runs, constant } = argumentsOf(args, at, compiler);
    if (runs.length < 2) return failing(name, constant);
    const strict = name.length === 3;
    const [first, ...others] = runs;
    return {
      constant,
      run: (scope, data) => {
        let before = first?.(scope, data);
        for (const other of others) {
          if (!at.loose) scope.last = before;
          const given = other(scope, data);
          const value = strict ? given : comparable(given, at.loose ? before : scope.last);
          if (!at.loose && others.length > 1) scope.last = value;
          if (!holds(before, value)) return false;
          before = value;
        }
        return true;
      },
    };
  };

/** JavaScript puts texts in order by their characters and everything else by its number; so does JsonLogic. */
const ordered =
  (holds: (a: string | number, b: string | number) => boolean) =>
  (a: unknown, b: unknown): boolean => {
    const [one, other] = [plain(a), plain(b)];
    return typeof one === 'string' && typeof other === 'string'
      ? holds(one, other)
      : holds(Number(one), Number(other));
  };

const plain = (value: unknown) => (typeof value === 'object' && value !== null ? textOf(value) : value);

/** Those of flagd are asked again each time, whatever they are given. */
const own =
  (work: (args: readonly unknown[], scope: Scope) => unknown): Operator =>
  (args, at, compiler) => {
    const run = compiler.fixed(args, at);
    return {
      constant: false,
      run: (scope, data) => {
        const value = run(scope, data);
        return work(isList(value) ? value : [value], scope);
      },
    };
  };

function shareOut(args: readonly unknown[], scope: Scope): unknown {
  const [first, ...rest] = args;
  if (args.length === 0) return null;
  const by = typeof first === 'string' ? first : byTargetingKey(scope);
  const buckets = by === null ? null : bucketsOf(typeof first === 'string' ? rest : args);
  return buckets === null || by === null ? null : chosen(buckets, by);
}

function byTargetingKey({ flag, context }: Scope): string | null {
  const key = context['targetingKey'];
  return key ? `${flag}${textOf(key)}` : null;
}

const remembered = (scope: Scope, value: unknown): unknown => {
  if (value !== null) scope.chosen = value;
  return value;
};

/** Buckets that are the same for everybody are made once. */
const fractional: Operator = (args, at, compiler) => {
  const general = own((values, scope) => remembered(scope, shareOut(values, scope)));
  if (!isJsonList(args) || args.length === 0 || at.loose) return general(args, at, compiler);
  const [first] = args;
  const ownBy = !isJsonList(first);
  const entries = ownBy ? args.slice(1) : args;
  const compiled = entries.map((entry, i) => compiler.compile(entry, inside(at, ownBy ? i + 1 : i)));
  if (!compiled.every(({ constant }) => constant) || (ownBy && isMissing(first)))
    return general(args, at, compiler);
  const values = compiled.map((one, i) =>
    compiler.fold(one, entries[i], inside(at, ownBy ? i + 1 : i))(NOBODY, {}),
  );
  const buckets = bucketsOf(values);
  const by: Run | null = ownBy ? compiler.fixed(first, inside(at, 0)) : null;
  return {
    constant: false,
    run: (scope, data) => {
      const key = by === null ? byTargetingKey(scope) : by(scope, data);
      if (typeof key !== 'string')
        return by === null ? null : remembered(scope, shareOut([key, ...values], scope));
      return buckets === null ? null : remembered(scope, chosen(buckets, key));
    },
  };
};

const isMissing = (first: Json | undefined) => first === null || first === undefined;

export const OPERATORS: Readonly<Record<string, Operator>> = {
  if: choose,
  '?:': choose,
  and: junction('and', false),
  or: junction('or', true),
  '!': negation(true),
  '!!': negation(false),
  // JsonLogic compares as JavaScript does, and so has whoever stays with it.
  // oxlint-disable-next-line eqeqeq
  '==': comparison('==', (a, b) => a == b),
  // oxlint-disable-next-line eqeqeq
  '!=': comparison('!=', (a, b) => a != b),
  '===': comparison('===', (a, b) => a === b),
  '!==': comparison('!==', (a, b) => a !== b),
  '<': comparison(
    '<',
    ordered((a, b) => a < b),
  ),
  '<=': comparison(
    '<=',
    ordered((a, b) => a <= b),
  ),
  '>': comparison(
    '>',
    ordered((a, b) => a > b),
  ),
  '>=': comparison(
    '>=',
    ordered((a, b) => a >= b),
  ),
  ...VARIABLE_OPERATORS,
  ...NUMBER_OPERATORS,
  ...TEXT_OPERATORS,
  ...LIST_OPERATORS,
  starts_with: own((args) => (args.length === 2 ? affixOf(args, 'startsWith') : null)),
  ends_with: own((args) => (args.length === 2 ? affixOf(args, 'endsWith') : null)),
  sem_ver: own((args) => (args.length === 3 ? semVer(args[0], args[1], args[2]) : null)),
  fractional,
};

function affixOf([text, part]: readonly unknown[], how: 'startsWith' | 'endsWith'): boolean | null {
  return typeof text === 'string' && typeof part === 'string' ? text[how](part) : null;
}

/** What a rule finds in the context, or in the item of a list. */
import { isJsonList, isList, type Json, textOf } from './json.ts';
import {
  type Compiled,
  type Compiler,
  inside,
  type Operator,
  type Position,
  RuleProblem,
  type Run,
  type Scope,
} from './logic.ts';
import { along, pathOf } from './logic-values.ts';

const variable: Operator = (args, at, compiler) => {
  const [name, fallback] = isJsonList(args) ? [args[0], args[1]] : [args, undefined];
  if (typeof name === 'object' && name !== null) return looked(args, at, compiler);
  const path = name === undefined || name === null || name === '' ? [] : pathOf(textOf(name));
  if (typeof name === 'string' && name.startsWith('../'))
    throw new RuleProblem(`"${name}" looks out of a list, which targeting cannot`, at.path);
  const otherwise: Run = fallback === undefined ? () => null : compiler.fixed(fallback, inside(at, 1));
  return { constant: false, run: path.length === 0 ? whole(at) : reader(path, otherwise, at) };
};

function whole({ inItems }: Position): Run {
  if (!inItems) return (scope) => ({ ...scope.context, $flagd: ofFlagd(scope) });
  return (_scope, data) => data;
}

function reader(path: readonly string[], otherwise: Run, { inItems, loose }: Position): Run {
  const [first = '', ...rest] = path;
  const found = (value: unknown, scope: Scope, data: unknown): unknown => {
    const isMissing = value === undefined || (value === null && !loose);
    const result = isMissing ? otherwise(scope, data) : value;
    if (!loose) scope.last = result;
    return typeof result === 'function' ? null : result;
  };
  if (!inItems && first === '$flagd') return (scope, data) => found(along(ofFlagd(scope), rest), scope, data);
  if (!inItems && rest.length === 0) return (scope, data) => found(scope.context[first], scope, data);
  return (scope, data) => found(along(inItems ? data : scope.context, path), scope, data);
}

const ofFlagd = ({ flag, nowS }: Scope) => ({ flagKey: flag, timestamp: nowS });

/** A name that has to be worked out first. */
function looked(args: Json, at: Position, compiler: Compiler): Compiled {
  const run = compiler.fixed(args, at);
  return {
    constant: false,
    run: (scope, data) => {
      const given = run(scope, data);
      const [name, fallback] = isList(given) ? given : [given, undefined];
      const from = at.inItems ? data : { ...scope.context, $flagd: ofFlagd(scope) };
      if (name === undefined || name === null || name === '') return from;
      const value = along(from, pathOf(textOf(name)));
      return typeof value === 'function' ? null : value === undefined ? (fallback ?? null) : value;
    },
  };
}

/** Names of what is not there. */
function absent(names: readonly unknown[], from: unknown): unknown[] {
  return names.filter((name) => along(from, pathOf(textOf(name))) === undefined);
}

const missing: Operator = (args, at, compiler) => {
  const run = compiler.fixed(args, at);
  return {
    constant: isJsonList(args) && args.length === 0,
    run: (scope, data) => {
      const names = run(scope, data);
      return absent(isList(names) ? names : [names], at.inItems ? data : scope.context);
    },
  };
};

const missingSome: Operator = (args, at, compiler) => {
  const run = compiler.fixed(args, at);
  return {
    constant: false,
    run: (scope, data) => {
      const given = run(scope, data);
      const [needed, names] = isList(given) ? given : [];
      if (!isList(names)) return [];
      const gone = absent(names, at.inItems ? data : scope.context);
      if (!at.loose) scope.last = gone;
      return names.length - gone.length >= Number(needed) ? [] : gone;
    },
  };
};

export const VARIABLE_OPERATORS: Readonly<Record<string, Operator>> = {
  var: variable,
  missing,
  missing_some: missingSome,
};

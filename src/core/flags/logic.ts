/**
 * Targeting rules (JsonLogic, as flagd defines it) made into closures once, so that a request only runs them. What
 * they give is what `@openfeature/flagd-core` gives; a test holds them to it over random rules and contexts.
 */
import { isJsonList, isJsonObject, type Json } from './json.ts';
import { LogicFault } from './logic-values.ts';

/** One evaluation. */
export interface Scope {
  readonly flag: string;
  readonly context: Readonly<Record<string, unknown>>;
  /** Seconds of the wall clock. */
  readonly nowS: number;
  /** What a `fractional` chose last; undefined: none was asked. */
  chosen: unknown;
  /**
   * The value that was looked at last. The reference compares with it where the left side was meant, so that
   * `0 == null` depends on the order; whoever has such rules has to get the same from both.
   */
  last: unknown;
  /** What was looked at, for people; null: nobody asks. */
  readonly trace: Trace[] | null;
}

export interface Trace {
  /** Where in the rule: `if[0].ends_with`. */
  readonly place: string;
  readonly operator: string;
  readonly value: unknown;
}

/** `data` is what `var` looks into: the context, or an item of a list. */
export type Run = (scope: Scope, data: unknown) => unknown;

export interface Compiled {
  readonly run: Run;
  /** It gives the same whoever asks. */
  readonly constant: boolean;
}

/** Where in a rule something stands. */
export interface Position {
  readonly path: readonly (string | number)[];
  /** Inside `map` and its like. */
  readonly inItems: boolean;
  /** The reference runs short forms of "if" by itself, where null is no text and a default is for what is missing. */
  readonly loose: boolean;
}

export interface Compiler {
  compile(node: Json | undefined, at: Position): Compiled;
  /** Folds what is constant: whatever is wrong with it is wrong for everybody. */
  fold(compiled: Compiled, node: Json | undefined, at: Position): Run;
  fixed(node: Json | undefined, at: Position): Run;
}

export type Operator = (args: Json, at: Position, compiler: Compiler) => Compiled;

/** A rule that can never work, and where. */
export class RuleProblem extends Error {
  override readonly name = 'RuleProblem';
  readonly path: Position['path'];

  constructor(message: string, path: Position['path']) {
    super(message);
    this.path = path;
  }
}

export const inside = (at: Position, ...parts: readonly (string | number)[]): Position => ({
  ...at,
  path: [...at.path, ...parts],
});

const ROOT: Position = { path: [], inItems: false, loose: false };
const DEPTH_MAX = 64;
/** For what nobody's context decides. */
export const NOBODY: Scope = {
  flag: '',
  context: {},
  nowS: 0,
  chosen: undefined,
  last: undefined,
  trace: null,
};

export function constantOf(value: unknown): Compiled {
  return { run: () => value, constant: true };
}

/** Throws RuleProblem. */
export function compileLogic(
  rule: Json,
  operators: Readonly<Record<string, Operator>>,
  traced: boolean,
): Run {
  const compiler: Compiler = {
    compile: (node, at) => compiled(node, at),
    fold: (made, node, at) =>
      made.constant ? folded(compiled(node, { ...at, loose: true }).run, at) : made.run,
    fixed: (node, at) => compiler.fold(compiled(node, at), node, at),
  };
  const compiled = (node: Json | undefined, at: Position): Compiled => {
    if (at.path.length > DEPTH_MAX) throw new RuleProblem('is nested too deep', at.path);
    if (isJsonList(node)) return listOf(node, at, compiler);
    if (!isJsonObject(node)) return constantOf(node);
    const names = Object.keys(node);
    const [name] = names;
    if (name === undefined) return constantOf(node);
    const operator = Object.hasOwn(operators, name) ? operators[name] : undefined;
    if (!operator || names.length > 1) throw unknown(names, operators, at);
    const place = inside(at, name);
    const made = operator(node[name] ?? null, place, compiler);
    return traced && !made.constant ? watched(made, name, place) : made;
  };
  return compiler.fixed(rule, ROOT);
}

function unknown(names: readonly string[], operators: Readonly<Record<string, Operator>>, at: Position) {
  const known = Object.keys(operators).join(', ');
  const what =
    names.length > 1
      ? `has ${names.length} operators (${names.join(', ')}); expected one`
      : `"${names[0] ?? ''}" is no operator; expected one of ${known}`;
  return new RuleProblem(what, inside(at, names[0] ?? '').path);
}

function folded(run: Run, at: Position): Run {
  try {
    const value = run(NOBODY, {});
    return () => value;
  } catch (error) {
    if (at.loose) return run;
    if (error instanceof LogicFault) throw new RuleProblem(error.message, at.path);
    throw new RuleProblem('can never be worked out', at.path);
  }
}

function listOf(node: readonly Json[], at: Position, compiler: Compiler): Compiled {
  const items = node.map((item, i) => compiler.compile(item, inside(at, i)));
  if (items.every(({ constant }) => constant))
    return { run: together(items.map(({ run }) => run)), constant: true };
  return {
    run: together(items.map((item, i) => compiler.fold(item, node[i], inside(at, i)))),
    constant: false,
  };
}

const together =
  (runs: readonly Run[]): Run =>
  (scope, data) => {
    const values: unknown[] = [];
    for (const run of runs) values.push(run(scope, data));
    return values;
  };

function watched({ run, constant }: Compiled, operator: string, { path }: Position): Compiled {
  const place = placeOf(path);
  return {
    constant,
    run: (scope, data) => {
      const value = run(scope, data);
      scope.trace?.push({ place, operator, value });
      return value;
    },
  };
}

/** `if[0].ends_with[1].var` */
export function placeOf(path: Position['path']): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

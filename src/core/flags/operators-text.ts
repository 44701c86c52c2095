/** Texts: joined, cut, looked for. */
import { isJsonList, isList } from './json.ts';
import { argumentsOf } from './logic-arguments.ts';
import type { Compiled, Operator } from './logic.ts';
import { LogicFault, wrongArguments } from './logic-values.ts';

const joined: Operator = (args, at, compiler) => {
  const { runs, constant } = argumentsOf(isJsonList(args) ? args : [args], at, compiler);
  // As the reference has it: null is "null" where it is compiled, and nothing where it is not.
  const skipsNull = constant || at.loose;
  return {
    constant,
    run: (scope, data) => {
      let text = '';
      for (const run of runs) {
        const value = run(scope, data);
        if (!(skipsNull && (value === null || value === undefined))) text += String(value);
      }
      return text;
    },
  };
};

const cut: Operator = (args, at, compiler) => {
  const { run, constant } = compiler.compile(args, at);
  return {
    constant,
    run: (scope, data) => {
      const value = run(scope, data);
      const [text, from, length] = isList(value) ? value : [value];
      if (typeof text !== 'string') throw wrongArguments('substr');
      const start = Math.trunc(Number(from ?? 0)) || 0;
      const first = start < 0 ? Math.max(0, text.length + start) : start;
      const rest = text.slice(first);
      if (length === undefined) return rest;
      const count = Math.trunc(Number(length)) || 0;
      return count < 0 ? rest.slice(0, Math.max(0, rest.length + count)) : rest.slice(0, count);
    },
  };
};

const contained: Operator = (args, at, compiler) => {
  if (!isJsonList(args)) return looked(compiler.compile(args, at));
  const { runs, constant } = argumentsOf(args, at, compiler);
  const [item, among] = runs;
  return {
    constant,
    run: (scope, data) => {
      const isThere = among?.(scope, data);
      return isIn(item?.(scope, data), isThere);
    },
  };
};

function looked({ run, constant }: Compiled): Compiled {
  return {
    constant,
    run: (scope, data) => {
      const value = run(scope, data);
      return isList(value) ? isIn(value[0], value[1]) : isIn(value, undefined);
    },
  };
}

function isIn(item: unknown, among: unknown): boolean {
  if (!among) return false;
  if (typeof among === 'string') return among.includes(String(item));
  if (isList(among)) return among.includes(item);
  throw new LogicFault('"in" looks into a text or a list');
}

export const TEXT_OPERATORS: Readonly<Record<string, Operator>> = {
  cat: joined,
  substr: cut,
  in: contained,
};

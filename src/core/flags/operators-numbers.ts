/** Counting. Whatever is no number ends the evaluation: the default in the code is used. */
import { isJsonList, isList, type Json } from './json.ts';
import { argumentsOf } from './logic-arguments.ts';
import { type Compiler, inside, NOBODY, type Operator, type Position, RuleProblem } from './logic.ts';
import { notANumber, numberOf, sane, wrongArguments } from './logic-values.ts';

type Count = (numbers: readonly number[]) => number;

const folding =
  (step: (a: number, b: number) => number): Count =>
  (numbers) => {
    const [first = 0, ...others] = numbers;
    let result = first;
    for (const other of others) result = step(result, other);
    return result;
  };

const divided: Count = (numbers) => {
  const all = numbers.length === 1 ? [1, ...numbers] : numbers;
  if (all.slice(1).some((by) => by === 0 || Number.isNaN(by))) throw notANumber();
  return folding((a, b) => a / b)(all);
};

const arithmetic =
  (name: string, countMin: number, work: Count): Operator =>
  (args, at, compiler) => {
    const given = isJsonList(args) ? args : [args];
    const { runs, constant } = argumentsOf(given, at, compiler);
    if (!constant && !at.loose) refuseHopeless(name, given, at, compiler);
    return {
      constant,
      run: (scope, data) => {
        if (runs.length < countMin) throw wrongArguments(name);
        return sane(work(runs.map((run) => sane(numberOf(run(scope, data))))));
      },
    };
  };

/** A part that is no number for anybody is found before anybody asks. */
function refuseHopeless(name: string, args: readonly Json[], at: Position, compiler: Compiler): void {
  for (const [i, arg] of args.entries()) {
    const place = inside(at, i);
    const compiled = compiler.compile(arg, place);
    if (!compiled.constant) continue;
    const value = compiler.fold(compiled, arg, place)(NOBODY, {});
    const isNumber = !isJsonList(arg) && (typeof value === 'object' || !Number.isNaN(Number(value)));
    const isZero = name === '/' && i > 0 && isWritten(value) && Number(value) === 0;
    if (!isNumber || isZero) throw new RuleProblem(`"${name}" counts with numbers`, place.path);
  }
}

const isWritten = (value: unknown) => typeof value === 'number' || typeof value === 'string';

const extreme =
  (name: string, pick: (...numbers: number[]) => number): Operator =>
  (args, at, compiler) => {
    const { run, constant } = compiler.compile(args, isJsonList(args) ? at : inside(at));
    return {
      constant,
      run: (scope, data) => {
        const value = run(scope, data);
        const all = isList(value) ? value : [value];
        const numbers = all.filter((one) => typeof one === 'number');
        if (numbers.length === 0 || numbers.length < all.length) throw wrongArguments(name);
        return pick(...numbers);
      },
    };
  };

export const NUMBER_OPERATORS: Readonly<Record<string, Operator>> = {
  '+': arithmetic('+', 0, (numbers) => numbers.reduce((a, b) => a + b, 0)),
  '-': arithmetic('-', 1, (numbers) =>
    numbers.length === 1 ? -(numbers[0] ?? 0) : folding((a, b) => a - b)(numbers),
  ),
  '*': arithmetic('*', 0, (numbers) => numbers.reduce((a, b) => a * b, 1)),
  '/': arithmetic('/', 1, divided),
  '%': arithmetic(
    '%',
    2,
    folding((a, b) => a % b),
  ),
  min: extreme('min', Math.min),
  max: extreme('max', Math.max),
};

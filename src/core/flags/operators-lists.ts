/** Lists, item by item: inside, `var` looks into the item. */
import { isJsonList, isList } from './json.ts';
import { type Compiled, inside, type Operator, type Position, type Run, type Scope } from './logic.ts';
import { flat, isTrue, LogicFault, wrongArguments } from './logic-values.ts';

type Each = (items: readonly unknown[], work: (item: unknown) => unknown) => unknown;

const each =
  (name: string, walk: Each): Operator =>
  (args, at, compiler) => {
    if (!isJsonList(args)) return failing(name);
    const list = compiler.compile(args[0], inside(at, 0));
    const work = compiler.fixed(args[1], itemPlace(at));
    return {
      constant: false,
      run: (scope, data) => {
        const value = list.run(scope, data);
        // As the reference has it: of no list at all, all is true.
        if (name === 'all' && !value && !at.loose) return true;
        const items = itemsOf(value, name);
        return apart(scope, () => walk(items, (item) => work(scope, item)));
      },
    };
  };

const reduced: Operator = (args, at, compiler) => {
  if (!isJsonList(args)) return failing('reduce');
  const list = compiler.compile(args[0], inside(at, 0));
  const work = compiler.fixed(args[1], itemPlace(at));
  const begin: Run | null = args.length > 2 ? compiler.fixed(args[2], inside(at, 2)) : null;
  return {
    constant: false,
    run: (scope, data) => {
      const items = itemsOf(list.run(scope, data), 'reduce');
      if (begin === null && items.length === 0)
        throw new LogicFault('"reduce" of an empty list without a beginning');
      let gathered = begin === null ? items[0] : flat(begin(scope, data));
      return apart(scope, () => {
        for (const current of begin === null ? items.slice(1) : items)
          gathered = flat(work(scope, { accumulator: gathered, current }));
        return gathered;
      });
    },
  };
};

const merged: Operator = (args, at, compiler) => {
  const { run, constant } = compiler.compile(args, at);
  return {
    constant,
    run: (scope, data) => {
      const value = run(scope, data);
      return isList(value) ? value.flat(1) : [value];
    },
  };
};

/** What is looked at in items is not looked at last outside. */
function apart(scope: Scope, work: () => unknown): unknown {
  const { last } = scope;
  const value = work();
  scope.last = last;
  return value;
}

const itemPlace = (at: Position): Position => ({ ...inside(at, 1), inItems: true });

function failing(name: string): Compiled {
  return {
    constant: false,
    run: () => {
      throw wrongArguments(name);
    },
  };
}

function itemsOf(value: unknown, name: string): readonly unknown[] {
  if (!value) return [];
  if (!isList(value)) throw new LogicFault(`"${name}" of something that is no list`);
  return value;
}

export const LIST_OPERATORS: Readonly<Record<string, Operator>> = {
  map: each('map', (items, work) => items.map(work)),
  filter: each('filter', (items, work) => items.filter((item) => isTrue(work(item)))),
  all: each('all', (items, work) => items.length > 0 && items.every((item) => isTrue(work(item)))),
  some: each('some', (items, work) => items.some((item) => isTrue(work(item)))),
  none: each('none', (items, work) => !items.some((item) => isTrue(work(item)))),
  reduce: reduced,
  merge: merged,
};

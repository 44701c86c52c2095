import type { Json } from './json.ts';
import { type Compiler, inside, type Position, type Run } from './logic.ts';

/** Every argument on its own; one by one they are folded unless all of them are constant together. */
export function argumentsOf(
  args: readonly Json[],
  at: Position,
  compiler: Compiler,
): { readonly runs: readonly Run[]; readonly constant: boolean } {
  const compiled = args.map((arg, i) => compiler.compile(arg, inside(at, i)));
  const constant = compiled.every((one) => one.constant);
  const runs = constant
    ? compiled.map(({ run }) => run)
    : compiled.map((one, i) => compiler.fold(one, args[i], inside(at, i)));
  return { runs, constant };
}

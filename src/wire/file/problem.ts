import type { Place } from '../../core/errors.ts';

/** One thing that is wrong in the user's file: where, what, and what was expected instead. */
export interface Problem {
  readonly place: Place;
  readonly message: string;
}

/** Where a value sits, counted from the top: `['services', 'web', 'smoke', 0]`. */
export type Path = readonly (string | number)[];

/** `services.web.smoke[0].get` */
export function describePath(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text ? `${text}.${part}` : part;
  }, '');
}

/** `segue.yaml:12:7: services.web.instances: expected ...`, as compilers and editors write it. */
export function formatProblem({ place, message }: Problem): string {
  return `${place.file}:${place.line}:${place.column}: ${message}`;
}

const LINE = /^(.+?):(\d+):(\d+): (.*)$/;

/** The opposite of `formatProblem`, for a problem that came as text from another process. */
export function readProblem(line: string): Problem | undefined {
  const [, file, lineNumber, column, message] = LINE.exec(line) ?? [];
  if (file === undefined || message === undefined) return undefined;
  return { place: { file, line: Number(lineNumber), column: Number(column) }, message };
}

/** From top to bottom, each once. */
export function inOrder(problems: readonly Problem[]): Problem[] {
  const seen = new Map(problems.map((problem) => [formatProblem(problem), problem]));
  return [...seen.values()].sort(
    (a, b) =>
      a.place.line - b.place.line ||
      a.place.column - b.place.column ||
      (a.message < b.message ? -1 : Number(a.message > b.message)),
  );
}

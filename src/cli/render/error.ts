import { ERRORS, type ErrorRecord } from '../../core/errors.ts';
import { type Problem, readProblem } from '../../wire/file/problem.ts';
import type { Paint } from './style.ts';

/** What happened, the case, and what to do next. `source` holds the lines of the user's file, if it is known. */
export function renderError(
  { code, detail }: ErrorRecord,
  source: readonly string[],
  paint: Paint,
): string[] {
  const { what, next } = ERRORS[code];
  const details = detail === '' ? [] : detail.split('\n');
  return [
    `${paint('red', 'error')} ${paint('bold', code)}: ${what}`,
    ...details.flatMap((line) => {
      const problem = readProblem(line);
      return problem && code === 'FILE_INVALID'
        ? ['', ...renderProblem(problem, source, paint)]
        : [`  ${line}`];
    }),
    ...(details.length > 1 ? [''] : []),
    `${paint('cyan', 'next')}: ${next}`,
  ];
}

/** The place and the message, and under them the line with a mark below the column. */
export function renderProblem(
  { place, message }: Problem,
  source: readonly string[],
  paint: Paint,
): string[] {
  const where = paint('bold', `${place.file}:${place.line}:${place.column}:`);
  const line = source[place.line - 1];
  if (line === undefined || line.length > 200) return [`${where} ${message}`];
  const number = String(place.line);
  const bar = paint('dim', '|');
  const mark = `${line.slice(0, place.column - 1).replace(/[^\t]/g, ' ')}${paint('red', '^')}`;
  return [
    `${where} ${message}`,
    `  ${paint('dim', number)} ${bar} ${line}`,
    `  ${' '.repeat(number.length)} ${bar} ${mark}`,
  ];
}

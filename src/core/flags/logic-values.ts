/** How JsonLogic sees values, as flagd's evaluator does: what is true, what is a number, what lies where. */
import { isList, isMap } from './json.ts';

/** What targeting does that it cannot do: the flag's default in the code is used instead. */
export class LogicFault extends Error {
  override readonly name = 'LogicFault';
}

export const notANumber = () => new LogicFault('a number was expected');
export const wrongArguments = (operator: string) =>
  new LogicFault(`"${operator}" with other arguments than it takes`);

export function isTrue(value: unknown): boolean {
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

/** What `+` and its like count with. */
export function numberOf(value: unknown): number {
  if (typeof value === 'object' && value !== null) throw notANumber();
  return Number(value);
}

export function sane(value: number): number {
  if (Number.isNaN(value)) throw notANumber();
  return value;
}

/** `a` as the other side of a comparison with `before`: texts as they are, else both have to be numbers. */
export function comparable(value: unknown, before: unknown): unknown {
  const isText = (one: unknown) => typeof one === 'string' || one === null;
  if (isText(value) && isText(before)) return value;
  if (Number.isNaN(numberOf(value)) && before !== null) throw notANumber();
  if (Number.isNaN(numberOf(before))) throw notANumber();
  if (before === null && !value) return null;
  if (value === null && !before) return 0;
  return value;
}

/** Undefined: there is nothing. */
export function member(value: unknown, name: string): unknown {
  if (typeof value === 'string') {
    if (name === 'length') return value.length;
    return /^(?:0|[1-9]\d*)$/.test(name) ? value[Number(name)] : undefined;
  }
  if (isList(value)) return name === 'length' ? value.length : Reflect.get(value, name);
  return isMap(value) ? value[name] : undefined;
}

/** `a.b`; a dot after `\` belongs to the name. */
export function pathOf(text: string): readonly string[] {
  const parts: string[] = [];
  let part = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    const next = text[at + 1];
    if (char === '\\' && (next === '.' || next === '/' || next === '\\')) {
      part += next;
      at += 1;
    } else if (char === '.') {
      parts.push(part);
      part = '';
    } else part += char;
  }
  if (parts.length !== text.length) parts.push(part);
  return parts;
}

/** Undefined: it leads nowhere. */
export function along(value: unknown, path: readonly string[]): unknown {
  let found = value;
  for (const part of path) {
    if (found === null || found === undefined) return undefined;
    found = member(found, part);
  }
  return found;
}

/** Lists inside of what `reduce` gathers grow without end. */
export function flat(value: unknown): unknown {
  const parts = isList(value) ? value : isMap(value) ? Object.values(value) : [];
  if (parts.some((part) => typeof part === 'object' && part !== null))
    throw new LogicFault('"reduce" gathers lists in lists');
  return value;
}

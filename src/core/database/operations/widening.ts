/** Changes of a type that only touch the catalog: no rewrite, no scan, indexes stay. */
const LENGTH = /^(character varying|varchar|bit varying|varbit)(?:\((\d+)\))?$/;
const NUMERIC = /^(?:numeric|decimal)(?:\((\d+),\s*(\d+)\))?$/;
const TEXTS: ReadonlySet<string> = new Set(['character varying', 'varchar']);
const ALIASES: Readonly<Record<string, string>> = { varchar: 'character varying', varbit: 'bit varying' };

export function widensInPlace(from: string, to: string): boolean {
  const [, kind = '', length] = LENGTH.exec(from) ?? [];
  if (TEXTS.has(kind) && to === 'text') return true;
  const [, kindTo = '', lengthTo] = LENGTH.exec(to) ?? [];
  if (kind !== '' && (ALIASES[kind] ?? kind) === (ALIASES[kindTo] ?? kindTo))
    return lengthTo === undefined || (length !== undefined && Number(lengthTo) >= Number(length));
  const number = NUMERIC.exec(from);
  const numberTo = NUMERIC.exec(to);
  if (!number || !numberTo) return false;
  const [, precision, scale] = number;
  const [, precisionTo, scaleTo] = numberTo;
  if (precisionTo === undefined) return true;
  return precision !== undefined && scale === scaleTo && Number(precisionTo) >= Number(precision);
}

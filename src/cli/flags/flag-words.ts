/** What people type about flags: shares, contexts, definitions. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { SegueError } from '../../core/errors.ts';
import { fromJson, isJsonObject, type Json } from '../../core/flags/json.ts';

/** `on=10,off=90` */
export function sharesIn(text: string): { readonly variant: string; readonly weight: number }[] {
  return text.split(',').map((part) => {
    const [, variant = '', weight] = /^\s*([^=\s]+)\s*=\s*(\d{1,7})%?\s*$/.exec(part) ?? [];
    if (weight === undefined)
      throw new SegueError(
        'USAGE',
        `--share: expected variants and weights such as on=10,off=90, got "${text}".`,
      );
    return { variant, weight: Number(weight) };
  });
}

/** JSON or `name=value` pairs; `@file` is read. */
export async function contextIn(text: string | null, cwd: string): Promise<Readonly<Record<string, Json>>> {
  if (text === null) return {};
  const value = text.startsWith('@') ? await jsonFile(path.resolve(cwd, text.slice(1))) : readPairs(text);
  if (isJsonObject(value)) return value;
  throw new SegueError(
    'USAGE',
    '--context: expected an object such as {"targetingKey": "user-7"}, or name=value.',
  );
}

function readPairs(text: string): Json {
  if (!text.trimStart().startsWith('{')) {
    const pairs = text.split(',').map((pair) => /^\s*([^=\s]+)\s*=(.*)$/.exec(pair));
    if (pairs.every((pair) => pair !== null))
      return Object.fromEntries(pairs.map((pair) => [pair[1] ?? '', scalar(pair[2] ?? '')]));
  }
  return json(text, '--context');
}

function scalar(text: string): Json {
  if (/^-?\d+(?:\.\d+)?$/.test(text)) return Number(text);
  return text === 'true' ? true : text === 'false' ? false : text;
}

export async function jsonFile(file: string): Promise<Json> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new SegueError('USAGE', `${file} cannot be read.`, { cause });
  });
  return /\.ya?ml$/.test(file) ? yaml(text, file) : json(text, file);
}

function json(text: string, where: string): Json {
  try {
    return fromJson(text);
  } catch (cause) {
    throw new SegueError('USAGE', `${where}: it is not JSON.`, { cause });
  }
}

async function yaml(text: string, where: string): Promise<Json> {
  // Loaded here and not above: few ask for it, and everybody would wait.
  const { asJson } = await import('../../wire/flags/parse-flags.ts');
  const { readYaml } = await import('../../wire/file/read-yaml.ts');
  const result = readYaml(text);
  if (result.ok) return asJson(result.tree);
  const [first] = result.problems;
  throw new SegueError('USAGE', `${where}:${first?.spot.line ?? 1}: ${first?.message ?? 'not YAML'}`);
}

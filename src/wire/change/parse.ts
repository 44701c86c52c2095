/** change.yaml to operations, without touching the file system; all problems at once, in the order of the file. */
import * as z from 'zod';
import type { Operation, RehearsedQueries } from '../../core/database/change.ts';
import { explain } from '../file/explain.ts';
import { inOrder, type Path, type Problem } from '../file/problem.ts';
import { readYaml } from '../file/read-yaml.ts';
import { nearest } from '../file/suggest.ts';
import { find, plain } from '../file/tree.ts';
import { change } from './schema.ts';

export type ChangeFile =
  | {
      readonly ok: true;
      readonly keepMs: number;
      readonly operations: readonly Operation[];
      readonly rehearse: RehearsedQueries;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export function parseChange(text: string, file: string): ChangeFile {
  const yaml = readYaml(text);
  if (!yaml.ok)
    return {
      ok: false,
      problems: yaml.problems.map(({ spot, message }) => ({ place: { file, ...spot }, message })),
    };
  const parsed = change.safeParse(plain(yaml.tree, () => false));
  if (parsed.success) {
    const { keep: keepMs, operations, rehearse = { old: [], new: [] } } = parsed.data;
    return { ok: true, keepMs, operations, rehearse };
  }
  const problems = explain(parsed.error.issues, yaml.tree, [], unknownKey).map(({ path, message, atKey }) => {
    const found = find(yaml.tree, path);
    const spot = found.whole && !atKey ? found.tree.spot : found.keySpot;
    return { place: { file, ...spot }, message };
  });
  return { ok: false, problems: inOrder(problems) };
}

/** Draft 7, as that of segue.yaml: it is what editors read best. */
export function changeJsonSchema(): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(change, { io: 'input', target: 'draft-7' });
  return {
    ...schema,
    title: 'change.yaml',
    description: 'One change of a database, released with the code.',
  };
}

function unknownKey(path: Path, key: string): string {
  const keys = keysAt(changeJsonSchema(), path);
  const near = nearest(key, keys);
  return near ? `unknown key; did you mean ${near}?` : `unknown key; expected one of ${keys.join(', ')}`;
}

function keysAt(schema: unknown, path: Path): string[] {
  let here = record(schema);
  for (const part of path) {
    const below = typeof part === 'number' ? here['items'] : record(here['properties'])[part];
    here = record(below ?? here['additionalProperties']);
  }
  return Object.keys(record(here['properties']));
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return isRecord(value) ? value : {};
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

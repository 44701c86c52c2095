/**
 * Definition files in flagd's format (JSON or YAML) to flags. All problems of all files come at once, each with its
 * place; what can be used in spite of them is there as well, and whoever asks decides.
 */
import { type FlagDefinition, notesOf } from '../../core/flags/definition.ts';
import { Flag } from '../../core/flags/flag.ts';
import { isJsonList, isJsonObject, type Json, type JsonObject } from '../../core/flags/json.ts';
import { placeOf } from '../../core/flags/logic.ts';
import { resolved } from '../../core/flags/references.ts';
import { limits } from '../../core/limits.ts';
import { inOrder, type Path, type Problem } from '../file/problem.ts';
import { readYaml } from '../file/read-yaml.ts';
import { nearest } from '../file/suggest.ts';
import { find, type Spot, type Tree } from '../file/tree.ts';
import { readFlag } from './read-flag.ts';

export interface FlagFile {
  /** Seen from the project's folder. */
  readonly name: string;
  readonly text: string;
}

export interface FoundFlag {
  readonly definition: FlagDefinition;
  readonly file: string;
  readonly line: number;
}

export interface ParsedFlags {
  readonly flags: Readonly<Record<string, FoundFlag>>;
  readonly problems: readonly Problem[];
}

interface Reading {
  readonly file: string;
  readonly tree: Tree;
  readonly found: Map<string, FoundFlag & { readonly tree: Tree }>;
  readonly report: (spot: Spot, message: string) => void;
}

const KEY = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$/;
const FILE_KEYS = ['flags', '$evaluators', 'metadata', '$schema'];

export function parseFlags(files: readonly FlagFile[]): ParsedFlags {
  const found: Reading['found'] = new Map();
  const problems: Problem[] = [];
  for (const { name, text } of files) {
    const own: Problem[] = [];
    const report = (spot: Spot, message: string) => own.push({ place: { file: name, ...spot }, message });
    // JSON may be indented by tabs, which YAML may not; texts of JSON hold none.
    const yaml = readYaml(name.endsWith('.json') ? text.replaceAll('\t', ' ') : text);
    if (yaml.ok) readFile({ file: name, tree: yaml.tree, found, report });
    else for (const { spot, message } of yaml.problems) report(spot, message);
    problems.push(...inOrder(own));
  }
  problems.push(...prerequisiteProblems(found));
  const flags = [...found].map(
    ([key, { definition, file, line }]) => [key, { definition, file, line }] as const,
  );
  return { flags: Object.fromEntries(flags), problems: problems.slice(0, limits.file.problemsMax) };
}

function readFile({ file, tree, found, report }: Reading): void {
  const value = asJson(tree);
  if (!isJsonObject(value) || !isJsonObject(value['flags'])) {
    report(tree.spot, 'expected flags: their names and what they are');
    return;
  }
  for (const key of Object.keys(value))
    if (!FILE_KEYS.includes(key)) report(find(tree, [key]).keySpot, unknownKey(key, FILE_KEYS));
  const evaluators = isJsonObject(value['$evaluators']) ? value['$evaluators'] : {};
  const shared = isJsonObject(value['metadata']) ? value['metadata'] : {};
  for (const [key, given] of Object.entries(value['flags'])) {
    const at: Path = ['flags', key];
    const place = find(tree, at);
    const wrong = (path: Path, message: string) => {
      const { whole, tree: part, keySpot } = find(tree, [...at, ...path]);
      report(
        whole && path.length > 0 ? part.spot : keySpot,
        `${[key, placeOf(path)].filter(Boolean).join('.')}: ${message}`,
      );
    };
    if (found.size >= limits.flags.flagsMax)
      return report(place.keySpot, `more than ${limits.flags.flagsMax} flags`);
    const before = found.get(key);
    if (before)
      report(
        place.keySpot,
        `${key}: is defined in ${before.file}:${before.line} already; expected each flag once`,
      );
    if (!KEY.test(key)) wrong([], 'a flag is called by letters, digits and ._/-, at most 100 of them');
    const definition = readFlag(given, shared, wrong);
    if (definition === null || before) continue;
    const whole = withReferences(definition, evaluators, wrong);
    found.set(key, { definition: whole, file, line: place.keySpot.line, tree: place.tree });
    checkFlag(key, whole, wrong);
  }
}

type Wrong = (path: Path, message: string) => void;

function withReferences(definition: FlagDefinition, evaluators: JsonObject, wrong: Wrong): FlagDefinition {
  if (definition.targeting === null) return definition;
  const result = resolved(definition.targeting, evaluators);
  if ('rule' in result)
    return isJsonObject(result.rule) ? { ...definition, targeting: result.rule } : definition;
  const { unknown, cycle, path } = result;
  const names = Object.keys(evaluators).join(', ') || 'there are none';
  const why = cycle
    ? `"${unknown}" leads back to itself`
    : `"${unknown}" is not under $evaluators (${names})`;
  wrong(['targeting', ...path], why);
  return definition;
}

function checkFlag(key: string, definition: FlagDefinition, wrong: Wrong): void {
  const { problem } = new Flag(key, definition);
  if (problem && !problem.path.includes('$ref')) wrong(['targeting', ...problem.path], problem.message);
  for (const variant of variantsNamed(definition.targeting))
    if (!Object.hasOwn(definition.variants, variant.name))
      wrong(
        ['targeting', ...variant.path],
        `"${variant.name}" is no variant; expected one of ${Object.keys(definition.variants).join(', ')}`,
      );
  for (const { name, expected } of notesOf(definition.metadata).problems)
    wrong(['metadata', name], `expected ${expected}`);
}

/** What a rule certainly gives as a variant: constants in the places of results. */
function variantsNamed(rule: Json, path: Path = []): { readonly name: string; readonly path: Path }[] {
  if (typeof rule === 'string') return [{ name: rule, path }];
  if (!isJsonObject(rule)) return [];
  const choices = rule['if'];
  if (isJsonList(choices) && choices.length > 1)
    return choices.flatMap((choice, i) =>
      i % 2 === 1 || (i === choices.length - 1 && i % 2 === 0)
        ? variantsNamed(choice, [...path, 'if', i])
        : [],
    );
  const buckets = rule['fractional'];
  if (!isJsonList(buckets)) return [];
  return buckets.flatMap((bucket, i) =>
    isJsonList(bucket) ? variantsNamed(bucket[0] ?? null, [...path, 'fractional', i, 0]) : [],
  );
}

function prerequisiteProblems(found: Reading['found']): Problem[] {
  const problems: Problem[] = [];
  for (const [key, { definition, file, tree }] of found) {
    const spot = find(tree, ['metadata', 'prerequisites']).tree.spot;
    const report = (message: string) =>
      problems.push({ place: { file, ...spot }, message: `${key}.metadata.prerequisites: ${message}` });
    for (const { flag, variant } of notesOf(definition.metadata).notes.prerequisites) {
      const other = found.get(flag)?.definition;
      if (!other) report(`there is no flag "${flag}"${hint(nearest(flag, [...found.keys()]))}`);
      else if (!Object.hasOwn(other.variants, variant)) report(`"${flag}" has no variant "${variant}"`);
    }
    const circle = circleFrom(key, (name) => prerequisitesOf(found.get(name)?.definition));
    // Told once, where it is first met by name.
    if (circle && circle.toSorted()[0] === key)
      report(`they lead in a circle: ${[...circle, key].join(' -> ')}`);
  }
  return problems;
}

export function prerequisitesOf(definition: FlagDefinition | null | undefined): readonly string[] {
  return definition ? notesOf(definition.metadata).notes.prerequisites.map(({ flag }) => flag) : [];
}

/** The way from a flag back to itself; null: there is none. */
export function circleFrom(
  start: string,
  next: (key: string) => readonly string[],
): readonly string[] | null {
  const ways: (readonly string[])[] = [[start]];
  const seen = new Set<string>();
  for (let way = ways.shift(); way; way = ways.shift())
    for (const name of next(way.at(-1) ?? '')) {
      if (name === start) return way;
      if (seen.has(name)) continue;
      seen.add(name);
      ways.push([...way, name]);
    }
  return null;
}

const hint = (name: string | undefined) => (name === undefined ? '' : `; did you mean ${name}?`);

export function unknownKey(key: string, known: readonly string[]): string {
  const near = nearest(key, known);
  return near
    ? `unknown key "${key}"; did you mean ${near}?`
    : `unknown key "${key}"; expected one of ${known.join(', ')}`;
}

export function asJson(tree: Tree): Json {
  switch (tree.kind) {
    case 'map':
      return Object.fromEntries([...tree.entries].map(([key, entry]) => [key, asJson(entry.tree)]));
    case 'list':
      return tree.items.map(asJson);
    case 'scalar':
      return tree.value;
  }
}

/**
 * The reference of segue.yaml for docs/file.md, from the schema that checks the file: the words for a key's
 * type are the ones its error says after "expected", so that the page and the program cannot differ.
 */
import * as z from 'zod';
import { base } from '../src/wire/file/schema.ts';

type Schema = Readonly<Record<string, unknown>>;

interface Section {
  readonly path: string;
  /** Of a worker, which has some maps in another form. */
  readonly worker: boolean;
  /** Several maps can stand at one path: the strategies. */
  readonly keys: Schema;
  readonly required: readonly string[];
}

const EXPECTED = 'expected';
/** A value that no schema takes, so that every one of them says what it expected. */
const NOBODYS = Symbol('taken by no schema');
const ZODS_OWN_WORDS = 'Invalid input: expected ';
/** Stands in a path for a name that the user chooses. */
const NAME = 'NAME';

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function fileSchema(): Schema {
  return z.toJSONSchema(base, {
    io: 'input',
    target: 'draft-7',
    override: ({ zodSchema, jsonSchema }) => {
      const { error } = z.core.safeParse(zodSchema, NOBODYS);
      jsonSchema[EXPECTED] = error?.issues[0]?.message.replace(ZODS_OWN_WORDS, '');
    },
  });
}

export function fileReference(): string {
  const sections = sectionsOf(fileSchema(), '');
  const ofWeb = new Set(sections.filter(({ worker }) => !worker).map(contentOf));
  // What a worker has as any service has it is said once.
  const told = sections.filter((section) => !section.worker || !ofWeb.has(contentOf(section)));
  return told.map(sectionMarkdown).join('\n\n');
}

const contentOf = ({ path, keys, required }: Section) => JSON.stringify([path, keys, required]);

/** Every map of the file in the order of the schema, the outer before the inner. */
function sectionsOf(schema: unknown, path: string, within = false): Section[] {
  if (!isSchema(schema)) return [];
  const keys = schema['properties'];
  const worker = within || (isSchema(keys) && isSchema(keys['kind']) && keys['kind']['const'] === 'worker');
  const choices = [...listOf(schema['anyOf']), ...listOf(schema['oneOf'])];
  const inChoices = choices.flatMap((choice) => sectionsOf(choice, path, worker));
  const named = sectionsOf(schema['additionalProperties'], join(path, NAME), worker);
  const listed = sectionsOf(schema['items'], `${path}[]`, worker);
  if (!isSchema(keys)) return [...inChoices, ...named, ...listed];
  const required = listOf(schema['required']).filter((key) => typeof key === 'string');
  const inner = Object.entries(keys).flatMap(([key, value]) => sectionsOf(value, join(path, key), worker));
  return [{ path, worker, keys, required }, ...inner, ...inChoices, ...named, ...listed];
}

const join = (path: string, key: string) => (path === '' ? key : `${path}.${key}`);

function sectionMarkdown({ path, worker, keys, required }: Section): string {
  // A key that nothing may stand under is there for what an editor and an error say of it.
  const some = Object.entries(keys).filter(([, value]) => !(isSchema(value) && 'not' in value));
  const rows = some.map(([key, value]) => rowOf(key, value, required.includes(key)));
  return [
    `### ${titleOf(path, keys)}${worker ? ' (worker)' : ''}`,
    '',
    ...table([['Key', 'What', 'Default', 'Meaning'], ...rows]),
  ].join('\n');
}

function titleOf(path: string, keys: Schema): string {
  if (path === '') return 'The file';
  const type = keys['type'];
  const which = isSchema(type) && typeof type['const'] === 'string' ? ` with \`type: ${type['const']}\`` : '';
  return `\`${path}\`${which}`;
}

function rowOf(key: string, value: unknown, required: boolean): string[] {
  const schema = isSchema(value) ? value : {};
  const { [EXPECTED]: expected, description, default: standard } = schema;
  return [
    `\`${key}\``,
    typeof expected === 'string' ? expected.replace(/^an? /, '') : '',
    required ? 'required' : defaultOf(standard),
    typeof description === 'string' ? description : '',
  ];
}

/** As people write it in the file. What is empty says nothing: the keys within have defaults of their own. */
function defaultOf(value: unknown): string {
  if (value === undefined) return '';
  const json = JSON.stringify(value);
  if (['{}', '[]', '[{}]'].includes(json)) return '';
  return `\`${typeof value === 'string' ? value : json}\``;
}

/** Aligned, as the formatter would have it. */
function table(rows: readonly (readonly string[])[]): string[] {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll('|', String.raw`\|`)));
  const widths = (escaped[0] ?? []).map((_, column) =>
    Math.max(...escaped.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const [head = [], ...body] = escaped.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)),
  );
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)];
}

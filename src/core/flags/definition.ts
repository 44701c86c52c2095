import type { Json, JsonObject } from './json.ts';

/** One flag in flagd's format; `targeting` has its shared evaluators in place. */
export interface FlagDefinition {
  readonly state: 'ENABLED' | 'DISABLED';
  readonly variants: Readonly<Record<string, Json>>;
  /** Null: what the code says. */
  readonly defaultVariant: string | null;
  /** Null: everybody gets the default. */
  readonly targeting: JsonObject | null;
  readonly metadata: Metadata;
}

export type Metadata = Readonly<Record<string, string | number | boolean>>;

export type FlagDefinitions = Readonly<Record<string, FlagDefinition>>;

export const FLAG_KINDS = ['release', 'experiment', 'operational', 'permission'] as const;
export type FlagKind = (typeof FLAG_KINDS)[number];

/** What of the metadata Segue acts on. The rest is passed on as it is. */
export interface FlagNotes {
  readonly owner: string | null;
  readonly kind: FlagKind | null;
  /** The day on which it should be gone, as `2027-03-01`. */
  readonly end: string | null;
  readonly description: string | null;
  /** What has to be so before this flag is looked at; else it counts as disabled. */
  readonly prerequisites: readonly Prerequisite[];
  /** The service whose code asks for it, and the first of its versions that does. */
  readonly release: { readonly service: string; readonly version: string } | null;
  /** Versions made after that one, of older code: they have it not. */
  readonly without: readonly string[];
  /** The change of the database that it needs. */
  readonly needs: string | null;
}

export interface Prerequisite {
  readonly flag: string;
  readonly variant: string;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const PREREQUISITE = /^\s*(\S+?)\s*=\s*(\S+)\s*$/;
const RELEASE = /^([a-z][a-z0-9-]{0,30})@(\S+)$/;

export interface NoteProblem {
  readonly name: string;
  readonly expected: string;
}

/** The notes, and what of them cannot be read. */
export function notesOf(metadata: Metadata): {
  readonly notes: FlagNotes;
  readonly problems: readonly NoteProblem[];
} {
  const problems: NoteProblem[] = [];
  const read = <T>(name: string, expected: string, parse: (text: string) => T | null): T | null => {
    const value = metadata[name];
    if (value === undefined) return null;
    const parsed = typeof value === 'string' ? parse(value) : null;
    if (parsed === null) problems.push({ name, expected });
    return parsed;
  };
  const text = (value: string) => value;
  const notes: FlagNotes = {
    owner: read('owner', 'a name', text),
    kind: read(
      'kind',
      `one of ${FLAG_KINDS.join(', ')}`,
      (value) => FLAG_KINDS.find((kind) => kind === value) ?? null,
    ),
    end: read('end', 'a day such as 2027-03-01', (value) => (isDay(value) ? value : null)),
    description: read('description', 'a text', text),
    prerequisites:
      read('prerequisites', 'flags and variants such as "checkout-v2=on, theme=dark"', prerequisitesOf) ?? [],
    release: read('release', 'a service and its version such as web@v3', releaseOf),
    without: read('without', 'versions such as "v3.1, v3.2"', wordsOf) ?? [],
    needs: read('needs', 'the name of a database change such as 0007-split-name', wordOf),
  };
  return { notes, problems };
}

function isDay(value: string): boolean {
  return DAY.test(value) && !Number.isNaN(Date.parse(`${value}T00:00:00Z`));
}

function prerequisitesOf(value: string): Prerequisite[] | null {
  const parts = value.split(',').map((part) => PREREQUISITE.exec(part));
  const known = parts.flatMap((match) => (match ? [{ flag: match[1] ?? '', variant: match[2] ?? '' }] : []));
  return known.length === parts.length ? known : null;
}

const WORD = /^\S+$/;

const wordOf = (value: string): string | null => (WORD.test(value) ? value : null);

function wordsOf(value: string): string[] | null {
  const words = value.split(',').map((word) => word.trim());
  return words.every((word) => WORD.test(word)) ? words : null;
}

function releaseOf(value: string): FlagNotes['release'] {
  const [, service, version] = RELEASE.exec(value) ?? [];
  return service === undefined || version === undefined ? null : { service, version };
}

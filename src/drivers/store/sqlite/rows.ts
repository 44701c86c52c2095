/** From rows of SQLite to records. Only this driver writes them, so what is checked here is damage. */
import type { SQLOutputValue } from 'node:sqlite';
import { SegueError } from '../../../core/errors.ts';
import type { EvidenceRecord } from '../../../core/judge/evidence.ts';
import type { PastRecord } from '../../../core/judge/past-book.ts';
import { DEFAULT_JUDGE } from '../../../core/judge/rules.ts';
import type { Service } from '../../../core/project.ts';
import { NO_SHARE, type Rotation, type RotationSplit } from '../../../core/traffic/rotation.ts';
import type { Entry, Fact } from '../../../core/release/journal.ts';
import type {
  InstanceRecord,
  ReleaseRecord,
  ServiceRecord,
  VersionRecord,
} from '../../../core/release/records.ts';

export type Row = Readonly<Record<string, SQLOutputValue>>;

function damaged(where: string, what: string): SegueError {
  return new SegueError('JOURNAL_DAMAGED', `In ${where}: ${what}.`);
}

export function integer(row: Row | undefined, column: string, where: string): number {
  const value = row?.[column];
  if (typeof value !== 'number') throw damaged(where, `${column} is not a number`);
  return value;
}

export function text(row: Row, column: string, where: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw damaged(where, `${column} is not text`);
  return value;
}

function textOrNull(row: Row, column: string, where: string): string | null {
  return row[column] === null ? null : text(row, column, where);
}

type Is<T> = (value: unknown) => value is T;

/** The field that no record of its kind is without. */
const has =
  <T>(field: keyof T & string): Is<T> =>
  (value): value is T =>
    typeof value === 'object' && value !== null && Object.hasOwn(value, field);

const isFact = has<Fact>('kind');

function record<T>(row: Row, where: string, is: Is<T>): T {
  const value = parsed(text(row, 'data', where), where);
  if (!is(value)) throw damaged(where, 'it is not such a record');
  return value;
}

function parsed(json: string, where: string): unknown {
  try {
    return JSON.parse(json, inTodaysForm);
  } catch {
    throw damaged(where, 'it is not JSON');
  }
}

function inTodaysForm(key: string, value: unknown): unknown {
  if (key === 'rotation' && isEarlierRotation(value)) return rotationToday(value);
  if (key === 'split' && isEarlierSplit(value)) return { ...value, shadow: value.shadow ?? null };
  if (key === 'spec' && isService(value)) return inherited(value);
  return value;
}

/** Until there was a judge, nobody had said that there should be none. */
const inherited = (service: Service): Service =>
  Object.hasOwn(service, 'judge') ? service : { ...service, judge: DEFAULT_JUDGE };

/** Until a rotation could carry shares, it named the instances of a preview. */
function rotationToday({ preview, ...rotation }: EarlierRotation) {
  const candidate = { instances: preview, percent: 0 };
  const split: RotationSplit = { candidate, baseline: NO_SHARE, shadow: null, rules: [] };
  return { ...rotation, split: preview.length > 0 ? split : null };
}

type EarlierRotation = Omit<Rotation, 'split'> & { readonly preview: readonly string[] };
const isEarlierRotation = has<EarlierRotation>('preview');
const isService = has<Service>('strategy');
/** Until a split had copies, it said nothing of them. */
const isEarlierSplit = has<Omit<RotationSplit, 'shadow'> & Partial<RotationSplit>>('candidate');

export const serviceOf = (row: Row): ServiceRecord =>
  record(row, `service ${String(row['name'])}`, has<ServiceRecord>('rotation'));

export const versionOf = (row: Row): VersionRecord =>
  record(row, `version ${String(row['service'])} ${String(row['version'])}`, has<VersionRecord>('spec'));

export const instanceOf = (row: Row): InstanceRecord =>
  record(row, `instance ${String(row['id'])}`, has<InstanceRecord>('phase'));

export const releaseOf = (row: Row): ReleaseRecord =>
  record(row, `release ${String(row['id'])}`, has<ReleaseRecord>('plan'));

export const evidenceOf = (row: Row): EvidenceRecord =>
  record(row, `evidence of ${String(row['release'])}`, has<EvidenceRecord>('cells'));

export const pastOf = (row: Row): PastRecord =>
  record(row, `past of ${String(row['service'])}`, has<PastRecord>('windows'));

export function settingOf(row: Row): [key: string, value: string] {
  return [text(row, 'key', 'setting'), text(row, 'value', 'setting')];
}

export function entryOf(row: Row): Entry {
  const where = `journal entry ${String(row['seq'])}`;
  return {
    seq: integer(row, 'seq', where),
    atMs: integer(row, 'at_ms', where),
    fence: integer(row, 'fence', where),
    release: textOrNull(row, 'release', where),
    service: textOrNull(row, 'service', where),
    fact: record(row, where, isFact),
  };
}

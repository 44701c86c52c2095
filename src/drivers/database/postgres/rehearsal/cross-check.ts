/** Writes with a client of one version and reads with one of the other, row after row, while everything else goes on. */
import type pg from 'pg';
import type { Probe } from '../../../../core/database/rehearsal/probes.ts';
import type { Apart, Crossed, Side } from '../../../../core/database/rehearsal/report.ts';
import { limits } from '../../../../core/limits.ts';
import { codeOf, isLost } from '../failure.ts';
import type { ValueSource } from './value-source.ts';

const { crossChecks, statementChars } = limits.rehearsal;

interface Read {
  readonly same: boolean;
  readonly is: string;
  readonly must: string;
}

export interface CrossParts {
  readonly clients: Readonly<Record<Side, pg.Client>>;
  readonly values: Readonly<Record<Side, ValueSource>>;
}

const OTHER: Readonly<Record<Side, Side>> = { old: 'new', new: 'old' };

/** Values of a row that one version wrote, and that the other one is to read. */
export interface Written {
  readonly probe: Probe;
  readonly key: readonly (string | null)[];
  readonly wrote: string;
  /** It could not even be written. */
  readonly failed?: Found;
}

export async function crossCheck(probes: readonly Probe[], parts: CrossParts): Promise<Crossed> {
  const findings = new Findings();
  for (const probe of probes) {
    const keys = await parts.values[probe.writer].reservedKeys(probe.table);
    if (keys.length === 0) continue;
    for (let turn = 0; turn < crossChecks; turn += 1)
      findings.add(probe, await once(probe, keys[turn % keys.length] ?? [], parts));
  }
  return findings.sum;
}

/** What is written now and read by `readBack`, after whatever comes between the two. */
export async function writeAhead(probes: readonly Probe[], parts: CrossParts): Promise<readonly Written[]> {
  const written: Written[] = [];
  for (const probe of probes)
    for (const key of await parts.values[probe.writer].reservedKeys(probe.table)) {
      const values = await valuesFor(probe, parts);
      if (!values) continue;
      const each: Written = { probe, key, wrote: shown(values) };
      try {
        await send(probe, values, key, parts);
        written.push(each);
      } catch (error) {
        if (!isOfItsValue(error)) written.push({ ...each, failed: refused(each)(error) });
      }
    }
  return written;
}

export async function readBack(written: readonly Written[], parts: CrossParts): Promise<Crossed> {
  const findings = new Findings();
  for (const each of written)
    findings.add(each.probe, each.failed ?? (await read(each, parts).catch(refused(each))));
  return findings.sum;
}

export const summed = (...all: readonly Crossed[]): Crossed => ({
  checked: all.reduce((sum, { checked }) => sum + checked, 0),
  apart: all.flatMap(({ apart }) => apart),
});

type Found = { readonly same: true } | { readonly same: false; readonly apart: Omit<Apart, 'times'> };

class Findings {
  readonly #apart = new Map<Probe, Apart>();
  #checked = 0;

  /** Null: there was nothing to write, or nothing to read. */
  add(probe: Probe, found: Found | null): void {
    if (found === null) return;
    this.#checked += 1;
    if (found.same) return;
    const known = this.#apart.get(probe);
    this.#apart.set(probe, known ? { ...known, times: known.times + 1 } : { ...found.apart, times: 1 });
  }

  get sum(): Crossed {
    return { checked: this.#checked, apart: [...this.#apart.values()] };
  }
}

async function once(probe: Probe, key: Written['key'], parts: CrossParts): Promise<Found | null> {
  const values = await valuesFor(probe, parts);
  if (!values) return null;
  const written: Written = { probe, key, wrote: shown(values) };
  try {
    // Another client may write the same row in between; twice in a row it does not.
    for (let tries = 0; ; tries += 1) {
      await send(probe, values, key, parts);
      const found = await read(written, parts);
      if (found === null || found.same || tries > 0) return found;
    }
  } catch (error) {
    return isOfItsValue(error) ? null : refused(written)(error);
  }
}

const valuesFor = ({ writer, write: sql, values }: Probe, parts: CrossParts) =>
  parts.values[writer].valuesFor({ sql, params: values });

const shown = (values: Written['key']) => values.join(', ').slice(0, statementChars);

const send = (probe: Probe, values: Written['key'], key: Written['key'], { clients }: CrossParts) =>
  clients[probe.writer].query(probe.write, [...values, ...key]);

async function read({ probe, key, wrote }: Written, { clients }: CrossParts): Promise<Found | null> {
  const { writer, columns, label: table } = probe;
  const { rows } = await clients[OTHER[writer]].query<Read>(probe.read, [...key]);
  const [found] = rows;
  if (!found) return null;
  if (found.same) return { same: true };
  return { same: false, apart: { writer, table, columns, wrote, read: found.is, expected: found.must } };
}

const isOfItsValue = (error: unknown) => codeOf(error).startsWith('23');

const refused =
  ({ probe: { writer, columns, label: table }, wrote }: Written) =>
  (error: unknown): Found => {
    if (isLost(error)) throw error;
    const said = error instanceof Error ? error.message : String(error);
    return { same: false, apart: { writer, table, columns, wrote, read: said, expected: 'no error' } };
  };

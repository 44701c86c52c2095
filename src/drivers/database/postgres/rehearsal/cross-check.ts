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

export async function crossCheck(probes: readonly Probe[], parts: CrossParts): Promise<Crossed> {
  const apart = new Map<Probe, Apart>();
  let checked = 0;
  for (const probe of probes) {
    const keys = await parts.values[probe.writer].reservedKeys(probe.table);
    if (keys.length === 0) continue;
    for (let turn = 0; turn < crossChecks; turn += 1) {
      const found = await once(probe, keys[turn % keys.length] ?? [], parts);
      if (found === null) continue;
      checked += 1;
      if (found.same) continue;
      const known = apart.get(probe);
      apart.set(probe, known ? { ...known, times: known.times + 1 } : { ...found.apart, times: 1 });
    }
  }
  return { checked, apart: [...apart.values()] };
}

type Found = { readonly same: true } | { readonly same: false; readonly apart: Omit<Apart, 'times'> };

/** Null: there was nothing to write, or a rule of the table refused a value that was made up. */
async function once(probe: Probe, key: readonly (string | null)[], parts: CrossParts): Promise<Found | null> {
  const { writer, columns, label: table } = probe;
  const values = await parts.values[writer].valuesFor({ sql: probe.write, params: probe.values });
  if (!values) return null;
  const wrote = values.join(', ').slice(0, statementChars);
  try {
    // Another client may write the same row in between; twice in a row it does not.
    for (let tries = 0; ; tries += 1) {
      await parts.clients[writer].query(probe.write, [...values, ...key]);
      const { rows } = await parts.clients[OTHER[writer]].query<Read>(probe.read, [...key]);
      const [read] = rows;
      if (!read) return null;
      if (read.same) return { same: true };
      if (tries > 0)
        return { same: false, apart: { writer, table, columns, wrote, read: read.is, expected: read.must } };
    }
  } catch (error) {
    if (isLost(error)) throw error;
    if (codeOf(error).startsWith('23')) return null;
    const read = error instanceof Error ? error.message : String(error);
    return { same: false, apart: { writer, table, columns, wrote, read, expected: 'no error' } };
  }
}

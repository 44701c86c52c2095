/** What was last seen of the database, in the ledger: what releases are planned from, and a rollback without its answer. */
import { type ContractRecord, NO_CONTRACT } from '../../core/release/contract.ts';
import type { SchemaFacts } from '../../core/release/schema.ts';
import type { Change } from '../../ports/store.ts';
import { schemaMemory, type SchemaMemory } from '../../wire/schema-memory.ts';
import type { Ledger } from '../ledger.ts';

const SETTING = 'schema';
const NOTHING: SchemaMemory = { changes: [], contracts: {} };

export function memoryOf(ledger: Ledger): SchemaMemory {
  const text = ledger.setting(SETTING);
  return text === undefined ? NOTHING : schemaMemory.parse(JSON.parse(text));
}

export function memorySetting(memory: SchemaMemory): Change {
  return { put: 'setting', key: SETTING, value: JSON.stringify(memory) };
}

export function contractOf({ contracts }: SchemaMemory, change: string): ContractRecord {
  return Object.hasOwn(contracts, change) ? (contracts[change] ?? NO_CONTRACT) : NO_CONTRACT;
}

export function withContract(
  memory: SchemaMemory,
  change: string,
  record: Partial<ContractRecord>,
): SchemaMemory {
  const contracts = { ...memory.contracts, [change]: { ...contractOf(memory, change), ...record } };
  return { ...memory, contracts };
}

/** The changes that a version was made with, by its record. */
export function knownBy(ledger: Ledger, service: string, version: string): readonly string[] {
  return ledger.version(service, version)?.changes ?? [];
}

/** As a plan of the service needs it; `made`: a version that has no record yet. */
export function schemaFacts(
  ledger: Ledger,
  service: string,
  made: { readonly version: string; readonly changes: readonly string[] } | null,
): SchemaFacts {
  const versions = ledger
    .versionsOf(service)
    .map(({ version, changes }) => [version, changes ?? []] as const);
  const fresh = made && !ledger.version(service, made.version) ? [[made.version, made.changes] as const] : [];
  return { changes: memoryOf(ledger).changes, known: Object.fromEntries([...versions, ...fresh]) };
}

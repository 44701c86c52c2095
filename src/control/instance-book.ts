import type { Fact } from '../core/release/journal.ts';
import type { InstanceRecord } from '../core/release/records.ts';
import type { Ledger } from './ledger.ts';

/** Writes what becomes of instances; each change with the fact that explains it. */
export class InstanceBook {
  readonly #ledger: Ledger;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  async put(record: InstanceRecord, ...facts: readonly Fact[]): Promise<void> {
    await this.#ledger.write(() => this.#writing(record, facts));
  }

  /** Changes the record as it is when the write's turn comes; nothing when the instance is gone by then. */
  async patch(id: string, change: Partial<InstanceRecord>, ...facts: readonly Fact[]): Promise<void> {
    await this.#ledger.write(() => {
      const record = this.#ledger.instance(id);
      return record ? this.#writing({ ...record, ...change }, facts) : null;
    });
  }

  #writing(record: InstanceRecord, facts: readonly Fact[]) {
    const active = this.#ledger.service(record.service).activeRelease;
    return {
      facts,
      changes: [{ put: 'instance', record } as const],
      service: record.service,
      release: active,
    };
  }
}

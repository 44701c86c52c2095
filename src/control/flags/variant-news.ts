/** What each report of the gateway says of the variants of flags that are being rolled out, as the judge takes it. */
import { RolloutRows } from '../../core/flags/rollout-rows.ts';
import type { News } from '../../core/judge/evidence.ts';
import type { ReleaseRecord } from '../../core/release/records.ts';
import type { TrafficReport } from '../../core/traffic/counts.ts';
import type { Ledger } from '../ledger.ts';

export class VariantNews {
  readonly #ledger: Ledger;
  readonly #rows = new Map<string, RolloutRows>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Null: it is a release of a service. Users keep their variant, so that each counts by the first error. */
  newsOf({ id, plan: { rollout } }: ReleaseRecord, { flags, failures, workers }: TrafficReport): News | null {
    if (!rollout) return null;
    let rows = this.#rows.get(id);
    if (!rows) {
      rows = new RolloutRows(id, rollout, this.#ledger.evidence(id)?.seen ?? []);
      this.#rows.set(id, rows);
    }
    const stableOf = (service: string) => this.#ledger.service(service).stable;
    return {
      rows: rows.rowsOf(flags, stableOf),
      failures: rows.failuresOf(failures, stableOf),
      sticky: true,
      settled: workers !== null,
    };
  }

  end(release: string): void {
    this.#rows.delete(release);
  }
}

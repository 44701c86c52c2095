import type { Keep } from '../core/project.ts';
import type { ReleaseRecord } from '../core/release/records.ts';
import { removable } from '../core/release/retention.ts';
import type { Ledger } from './ledger.ts';
import type { ControlPorts } from './ports.ts';

export interface KeptParts {
  readonly ports: Pick<ControlPorts, 'clock' | 'files'>;
  readonly ledger: Ledger;
  readonly keep: Keep;
}

/**
 * Old versions go by count and age, never one that a rollback could need. Called while the release still keeps others
 * of its service away. Files go first: what fails is found again after the next release.
 */
export async function removeOldVersions({ id, service }: ReleaseRecord, parts: KeptParts): Promise<void> {
  const { ports, ledger, keep } = parts;
  const { stable, previous } = ledger.service(service);
  const running = ledger.instances.filter((i) => i.service === service).map((i) => i.version);
  const needed = new Set([stable, previous, ...running].filter((v) => v !== null));
  const kept = ledger.versionsOf(service).filter((v) => !v.removed);
  for (const version of removable(kept, keep, needed, ports.clock.nowMs())) {
    const record = ledger.version(service, version);
    const removed = await ports.files.remove(service, version).then(
      () => true,
      () => false,
    );
    if (!record || !removed) continue;
    await ledger.write(() => ({
      facts: [{ kind: 'version-removed', version }],
      changes: [{ put: 'version', record: { ...record, removed: true } }],
      service,
      release: id,
    }));
  }
}

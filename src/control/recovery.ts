import type { InstanceRecord } from '../core/release/records.ts';
import type { Fleet } from './fleet.ts';
import type { Ledger } from './ledger.ts';

const AWAY = 'ended while control was away';

export interface RecoveryParts {
  readonly fleet: Fleet;
  readonly ledger: Ledger;
  /** True for the services in segue.yaml. */
  readonly isWanted: (service: string) => boolean;
  readonly onFault: (error: unknown) => void;
}

/**
 * At the start of control, before any routing: every instance that was written down is found again, started
 * again if it should run, or written off (R5, R9).
 */
export async function recoverInstances(parts: RecoveryParts): Promise<void> {
  await Promise.all(parts.ledger.instances.map((record) => recoverInstance(record, parts)));
}

async function recoverInstance(record: InstanceRecord, parts: RecoveryParts): Promise<void> {
  const { fleet, isWanted, onFault } = parts;
  const { id, phase, mark, wasReady } = record;
  if (phase === 'resting') return fleet.wake(record, isWanted(record.service) ? 'restart' : 'give-up');
  if (await fleet.adopt(record)) {
    // Its end may take its whole limit; nothing waits for it here.
    if (phase === 'stopping') fleet.stop(id).catch(onFault);
    return;
  }
  if (phase === 'stopping') return fleet.writeOff(id, AWAY);
  // Without a mark it was between two runs: the one that ended has been told already.
  if (wasReady) return mark === null ? fleet.restartLater(record) : fleet.crashed(id, AWAY);
  // One that was never ready and has no mark was about to be started by a step that will be applied again.
  if (mark !== null) await fleet.writeOff(id, AWAY);
}

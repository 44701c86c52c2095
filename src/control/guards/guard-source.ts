/** What a guard beside the gateway's counts is made with, and what the judge asks of it. */
import type { GuardRecords } from '../../core/judge/guard-records.ts';
import type { GuardFinding } from '../../core/judge/verdict.ts';
import type { InstanceRecord, ReleaseRecord } from '../../core/release/records.ts';
import type { Fleet } from '../fleet.ts';
import type { Ledger } from '../ledger.ts';
import type { ControlPorts } from '../ports.ts';

/** It measures from when it is made until it is closed, and keeps what it saw: asking it costs nothing. */
export interface GuardSource {
  /** Called when the candidate's weight has changed, with the index of the step that changed it. */
  beginStage(stage: number): void;
  findings(): GuardFinding[];
  /** What it has gathered, added to what others have. */
  addTo(records: GuardRecords): GuardRecords;
  close(): void;
}

export interface GuardParts {
  readonly ports: Pick<
    ControlPorts,
    'clock' | 'environment' | 'metrics' | 'plane' | 'prober' | 'random' | 'runtime'
  >;
  readonly ledger: Pick<Ledger, 'instances' | 'instance'>;
  readonly fleet: Pick<Fleet, 'health' | 'isReady' | 'onCrash'>;
}

export interface Sides {
  readonly candidate: readonly InstanceRecord[];
  readonly stable: readonly InstanceRecord[];
}

/** Instances that are ready now. Fresh ones of stable, started beside the candidate, are stable's. */
export function sidesOf(release: ReleaseRecord, { ledger, fleet }: GuardParts): Sides {
  return sidesAmong(
    release,
    ledger.instances.filter(({ id }) => fleet.isReady(id)),
  );
}

export function sidesAmong(release: ReleaseRecord, instances: readonly InstanceRecord[]): Sides {
  const ours = instances.filter(({ service }) => service === release.service);
  const isCandidate = (instance: InstanceRecord) =>
    instance.version === release.to && instance.release === release.id;
  return {
    candidate: ours.filter(isCandidate),
    stable: ours.filter((instance) => instance.version === release.from && !isCandidate(instance)),
  };
}

/** Does it again and again until the signal; what one turn throws is for the next one to mend. */
export async function repeat(
  everyMs: number,
  work: () => Promise<void>,
  { clock }: Pick<ControlPorts, 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const beganAtMs = clock.monotonicMs();
    await work();
    const leftMs = everyMs - (clock.monotonicMs() - beganAtMs);
    await clock.sleep(Math.max(0, leftMs), signal).catch(() => undefined);
  }
}

/** What a guard beside the gateway's counts is made with, and what the judge asks of it. */
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
  const ready = ledger.instances.filter(
    ({ id, service }) => service === release.service && fleet.isReady(id),
  );
  const isCandidate = (instance: InstanceRecord) =>
    instance.version === release.to && instance.release === release.id;
  return {
    candidate: ready.filter(isCandidate),
    stable: ready.filter((instance) => instance.version === release.from && !isCandidate(instance)),
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

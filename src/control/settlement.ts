import { isWeb } from '../core/project.ts';
import type { Entry, Fact } from '../core/release/journal.ts';
import { receiptOf } from '../core/release/receipt.ts';
import { causeOf, type ReleaseRecord } from '../core/release/records.ts';
import { limits } from '../core/limits.ts';
import type { Ledger } from './ledger.ts';
import type { ControlPorts } from './ports.ts';

/** Writes the end of a release: its outcome, why, and what happened to the requests meanwhile. */
export async function settle(
  release: ReleaseRecord,
  { ledger, ports }: { readonly ledger: Ledger; readonly ports: ControlPorts },
): Promise<ReleaseRecord> {
  const { state, service, baseline } = release;
  const outcome = state.phase === 'ended' ? state.outcome : 'done';
  const entries = await ports.store.entries({
    release: release.id,
    last: true,
    limit: limits.store.entriesPerPageMax,
  });
  const left = leftVersion(release, entries);
  const report = await ports.plane.freshReport();
  // With no proxy in between nobody counts the requests, and workers have none: no data is never good data (R8).
  const spec = ledger.version(service, release.to)?.spec;
  const isCounted = !spec || (isWeb(spec) && spec.traffic.mode !== 'direct');
  const receipt = !isCounted || release.plan.rollout ? null : receiptOf({ service, baseline, report, left });
  const cause = causeOf(release);
  const ended: ReleaseRecord = { ...release, endedAtMs: ports.clock.nowMs(), receipt };
  await ledger.write(() => ({
    facts: [{ kind: 'release-ended', outcome, cause, receipt }],
    changes: [
      { put: 'release', record: ended },
      { put: 'service', record: { ...ledger.service(service), activeRelease: null } },
    ],
    service,
    release: release.id,
  }));
  return ended;
}

const TURNS: ReadonlySet<Fact['kind']> = new Set(['step-failed', 'abort-asked', 'turned'] as const);

/** Which version lost the traffic, and when that was decided. */
function leftVersion(
  release: ReleaseRecord,
  entries: readonly Entry[],
): { version: string; decidedAtMs: number } | null {
  const outcome = release.state.phase === 'ended' ? release.state.outcome : 'done';
  // Who serves what was left half way is not known.
  if (outcome === 'stuck') return null;
  if (outcome === 'rolled-back') {
    const turned = entries.find(({ fact }) => TURNS.has(fact.kind));
    return turned ? { version: release.to, decidedAtMs: turned.atMs } : null;
  }
  const left = outcome === 'done' ? release.from : release.to;
  const routed = entries.findLast(
    ({ fact }) => fact.kind === 'step-started' && fact.direction === 'forward' && fact.step.kind === 'route',
  );
  return routed && left !== null ? { version: left, decidedAtMs: routed.atMs } : null;
}

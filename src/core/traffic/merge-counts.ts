/** Counts of several workers as those of one gateway. Every function is associative and forgets nothing (T5). */
import type { FlagCounts } from '../flags/edge.ts';
import { mergeKeys } from './key-sketch.ts';
import type {
  Answered,
  AssignedCounts,
  GatewayCounts,
  InstanceCounts,
  Outcomes,
  RunningCounts,
  ServiceCounts,
  Totals,
} from './counts.ts';
import { addPairs } from './histogram.ts';
import type { ShadowCounts } from './shadow.ts';

export const NO_GATEWAY_COUNTS: GatewayCounts = {
  connections: 0,
  connectionsTotal: 0,
  unrouted: 0,
  malformed: 0,
  logDropped: 0,
};

export function mergeInstance(a: InstanceCounts, b: InstanceCounts): InstanceCounts {
  return {
    ...a,
    ...mergeOutcomes(a, b),
    inFlight: a.inFlight + b.inFlight,
    streams: a.streams + b.streams,
    requests: a.requests + b.requests,
    lastRequestAtMs: Math.max(a.lastRequestAtMs, b.lastRequestAtMs),
    longestMs: Math.max(a.longestMs, b.longestMs),
    bytesIn: a.bytesIn + b.bytesIn,
    bytesOut: a.bytesOut + b.bytesOut,
    ejected: a.ejected || b.ejected,
    ejections: a.ejections + b.ejections,
  };
}

export function mergeAssigned(a: AssignedCounts, b: AssignedCounts): AssignedCounts {
  const keys = mergeKeys(a.keys, b.keys);
  const merged = { ...a, ...mergeOutcomes(a, b), decisions: a.decisions + b.decisions };
  return keys === '' ? merged : { ...merged, keys };
}

export function mergeService(a: ServiceCounts, b: ServiceCounts): ServiceCounts {
  return {
    service: a.service,
    ...mergeTotals(a, b),
    heldTotal: a.heldTotal + b.heldTotal,
    holding: a.holding + b.holding,
    refused: a.refused + b.refused,
    turnedAway: a.turnedAway + b.turnedAway,
    shadowed: a.shadowed + b.shadowed,
    shadowsDropped: a.shadowsDropped + b.shadowsDropped,
  };
}

export function mergeGateway(a: GatewayCounts, b: GatewayCounts): GatewayCounts {
  return {
    connections: a.connections + b.connections,
    connectionsTotal: a.connectionsTotal + b.connectionsTotal,
    unrouted: a.unrouted + b.unrouted,
    malformed: a.malformed + b.malformed,
    logDropped: a.logDropped + b.logDropped,
  };
}

export function mergeShadow(a: ShadowCounts, b: ShadowCounts): ShadowCounts {
  return {
    ...a,
    sent: a.sent + b.sent,
    dropped: a.dropped + b.dropped,
    compared: a.compared + b.compared,
    copyErrors: a.copyErrors + b.copyErrors,
    originalErrors: a.originalErrors + b.originalErrors,
    otherStatus: a.otherStatus + b.otherStatus,
    otherBody: a.otherBody + b.otherBody,
    slower: a.slower + b.slower,
    copyLatency: addPairs(a.copyLatency, b.copyLatency),
    originalLatency: addPairs(a.originalLatency, b.originalLatency),
  };
}

export function mergeFlag(a: FlagCounts, b: FlagCounts): FlagCounts {
  const keys = mergeKeys(a.keys, b.keys);
  const merged = { ...a, ...mergeOutcomes(a, b) };
  return keys === '' ? merged : { ...merged, keys };
}

/** The eldest first. */
export function mergeRunning(all: Iterable<readonly RunningCounts[]>): RunningCounts[] {
  const merged = new Map<number, RunningCounts>();
  for (const counts of all)
    for (const { routing, requests, streams } of counts) {
      const known = merged.get(routing);
      merged.set(routing, {
        routing,
        requests: requests + (known?.requests ?? 0),
        streams: streams + (known?.streams ?? 0),
      });
    }
  return [...merged.values()].toSorted((a, b) => a.routing - b.routing);
}

/** Of a worker that is gone: what it had under way has failed, and counts as that (T5). */
export function buryInstance(counts: InstanceCounts): InstanceCounts {
  const { inFlight, failed } = counts;
  return { ...counts, inFlight: 0, streams: 0, longestMs: 0, ejected: false, failed: failed + inFlight };
}

export const buryService = (counts: ServiceCounts): ServiceCounts => ({ ...counts, holding: 0 });

export const buryGateway = (counts: GatewayCounts): GatewayCounts => ({ ...counts, connections: 0 });

function mergeOutcomes(a: Outcomes, b: Outcomes): Outcomes {
  return {
    ...mergeTotals(a, b),
    latency: addPairs(a.latency, b.latency),
    latencySumMs: a.latencySumMs + b.latencySumMs,
  };
}

export function mergeTotals(a: Totals, b: Totals): Totals {
  return {
    answered: addAnswered(a.answered, b.answered),
    failed: a.failed + b.failed,
    abandoned: a.abandoned + b.abandoned,
    retried: a.retried + b.retried,
  };
}

function addAnswered(a: Answered, b: Answered): Answered {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]];
}

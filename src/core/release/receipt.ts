import type { InstanceCounts, TrafficReport } from '../traffic/counts.ts';

/** What happened to the requests of a service during one release, counted by the gateway (T5). */
export interface Receipt {
  readonly requests: number;
  readonly answered: number;
  /** Responses with a 5xx status that the instances themselves gave. */
  readonly errors: number;
  readonly failed: number;
  readonly refused: number;
  readonly retried: number;
  readonly held: number;
  readonly abandoned: number;
  readonly perVersion: readonly { readonly version: string; readonly requests: number }[];
  /** From the decision to move traffic to the last request that the version left behind accepted. */
  readonly lastOldRequestAfterMs: number | null;
}

const COUNTED = ['requests', 'answered', 'errors', 'failed', 'retried', 'abandoned'] as const;
type Counted = Record<(typeof COUNTED)[number], number>;

/** The counters of one instance, or of a service's own, at the moment that a release began. */
export type CountBaseline =
  | ({ readonly instance: string } & Readonly<Counted>)
  | { readonly service: string; readonly held: number; readonly refused: number };

export function baselineOf(report: TrafficReport | null, service: string): CountBaseline[] {
  if (!report) return [];
  const instances = report.instances.filter((i) => i.service === service);
  const own = report.services.filter((s) => s.service === service);
  return [
    ...instances.map((i) => ({ instance: i.instance, ...countedOf(i) })),
    ...own.map((s) => ({ service, held: s.heldTotal, refused: s.refused })),
  ];
}

export interface ReceiptRequest {
  readonly service: string;
  readonly baseline: readonly CountBaseline[];
  readonly report: TrafficReport | null;
  /** The version that traffic was taken from, and when that was decided; null: none was. */
  readonly left: { readonly version: string; readonly decidedAtMs: number } | null;
}

/** Null without a report: no data is never good data (R8). */
export function receiptOf({ service, baseline, report, left }: ReceiptRequest): Receipt | null {
  if (!report) return null;
  const total: Counted = { requests: 0, answered: 0, errors: 0, failed: 0, retried: 0, abandoned: 0 };
  const perVersion = new Map<string, number>();
  const instances = report.instances.filter((i) => i.service === service);
  for (const instance of instances) {
    const now = countedOf(instance);
    const before = baseline.find((b) => 'instance' in b && b.instance === instance.instance);
    for (const key of COUNTED) {
      const since = before && 'instance' in before ? before[key] : 0;
      // A gateway that was restarted counts from zero again.
      const grown = now[key] >= since ? now[key] - since : now[key];
      total[key] += grown;
      if (key === 'requests' && grown > 0)
        perVersion.set(instance.version, (perVersion.get(instance.version) ?? 0) + grown);
    }
  }
  return {
    ...total,
    ...heldSince(service, baseline, report),
    perVersion: [...perVersion].map(([version, requests]) => ({ version, requests })),
    lastOldRequestAfterMs: left ? lastRequestAfterMs(instances, left) : null,
  };
}

function heldSince(service: string, baseline: readonly CountBaseline[], report: TrafficReport) {
  const own = report.services.find((s) => s.service === service);
  const before = baseline.find((b) => 'service' in b && b.service === service);
  const since = before && 'service' in before ? before : { held: 0, refused: 0 };
  const grown = (now: number, then: number) => (now >= then ? now - then : now);
  return {
    held: grown(own?.heldTotal ?? 0, since.held),
    refused: grown(own?.refused ?? 0, since.refused),
  };
}

function countedOf(counts: InstanceCounts): Counted {
  const { requests, answered, failed, retried, abandoned } = counts;
  return {
    requests,
    answered: answered.reduce((sum, n) => sum + n, 0),
    errors: answered[3],
    failed,
    retried,
    abandoned,
  };
}

function lastRequestAfterMs(
  instances: readonly InstanceCounts[],
  left: { readonly version: string; readonly decidedAtMs: number },
): number | null {
  const last = Math.max(
    0,
    ...instances.filter((i) => i.version === left.version).map((i) => i.lastRequestAtMs),
  );
  return last === 0 ? null : Math.max(0, last - left.decidedAtMs);
}

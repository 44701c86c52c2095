/**
 * A report in Prometheus' text format (version 0.0.4). Series are bounded: histograms are kept per version, rows of
 * single instances go when the gateway forgets them, and of too many only the busiest now are shown. Totals of a
 * service count all of them and never fall.
 */
import { limits } from '../../core/limits.ts';
import type {
  AssignedCounts,
  Answered,
  InstanceCounts,
  Totals,
  TrafficReport,
} from '../../core/traffic/counts.ts';
import { cumulative } from '../../core/traffic/histogram.ts';
import { mergeAssigned } from '../../core/traffic/merge-counts.ts';
import type { ShadowCounts } from '../../core/traffic/shadow.ts';
import { Exposition } from './text.ts';

/** Upper ends of the buckets in milliseconds: powers of two, where the gateway's own buckets end too. */
const BOUNDS_MS: readonly number[] = Array.from({ length: 18 }, (_, power) => 0.2 * 2 ** power);

export interface GatewayFacts {
  readonly version: string;
  readonly workers: number;
}

export function exposition(report: TrafficReport, facts: GatewayFacts): string {
  const out = new Exposition();
  gatewayMetrics(out, report, facts);
  serviceMetrics(out, report);
  shadowMetrics(out, report.shadows);
  versionMetrics(out, report.assigned);
  instanceMetrics(out, report.instances);
  return out.text;
}

function gatewayMetrics(out: Exposition, report: TrafficReport, { version, workers }: GatewayFacts): void {
  const { gateway, routing, running, certificates } = report;
  out.family('segue_gateway_info', 'gauge', 'The version of Segue that carries the traffic.');
  out.sample({ version }, 1);
  out.single('segue_gateway_workers', 'gauge', 'Processes that accept connections.', workers);
  out.single('segue_gateway_routing', 'gauge', 'Number of the routing in force.', routing);
  out.single('segue_gateway_connections', 'gauge', 'Clients connected now.', gateway.connections);
  out.single(
    'segue_gateway_connections_total',
    'counter',
    'Connections of clients that were accepted.',
    gateway.connectionsTotal,
  );
  out.single(
    'segue_gateway_unrouted_total',
    'counter',
    'Requests for which there is no route.',
    gateway.unrouted,
  );
  out.single(
    'segue_gateway_malformed_total',
    'counter',
    'Connections that were refused because a request was not clear HTTP, too large or too slow.',
    gateway.malformed,
  );
  out.single(
    'segue_access_log_dropped_total',
    'counter',
    'Lines that the access log had no room or no disk for.',
    gateway.logDropped,
  );
  out.family('segue_routing_requests', 'gauge', 'Requests under way, by the routing that placed them.');
  for (const each of running) out.sample({ routing: String(each.routing) }, each.requests);
  out.family('segue_routing_streams', 'gauge', 'Streams under way, by the routing that placed them.');
  for (const each of running) out.sample({ routing: String(each.routing) }, each.streams);
  out.family('segue_certificate_expiry_seconds', 'gauge', 'When a certificate ends, in Unix time.');
  for (const { certificate, notAfterMs } of certificates) {
    if (notAfterMs !== null) out.sample({ certificate }, notAfterMs / 1_000);
  }
}

function serviceMetrics(out: Exposition, { services }: TrafficReport): void {
  out.family('segue_service_requests_total', 'counter', 'Requests that ended, by outcome.');
  for (const counts of services)
    for (const [outcome, count] of outcomesOf(counts))
      out.sample({ service: counts.service, outcome }, count);
  const families = [
    ['segue_service_retries_total', 'counter', 'Tries that moved on to another instance.', 'retried'],
    ['segue_service_held_total', 'counter', 'Requests that had to wait for an instance.', 'heldTotal'],
    ['segue_service_holding', 'gauge', 'Requests that wait for an instance now.', 'holding'],
    ['segue_service_refused_total', 'counter', 'Requests for which no instance came in time.', 'refused'],
    [
      'segue_service_turned_away_total',
      'counter',
      'Requests answered before any instance was asked: maintenance, and bodies that are too large.',
      'turnedAway',
    ],
    ['segue_service_shadowed_total', 'counter', 'Requests copied to the shadow.', 'shadowed'],
    [
      'segue_service_shadows_dropped_total',
      'counter',
      'Copies that there was no room or no instance for.',
      'shadowsDropped',
    ],
  ] as const;
  for (const [name, type, help, key] of families) {
    out.family(name, type, help);
    for (const counts of services) out.sample({ service: counts.service }, counts[key]);
  }
}

/** Copies for candidates, beside all other counts. */
function shadowMetrics(out: Exposition, shadows: readonly ShadowCounts[]): void {
  const families = [
    ['segue_shadow_copies_total', 'Copies sent to a candidate.', 'sent'],
    ['segue_shadow_compared_total', 'Copies that were compared with their originals.', 'compared'],
    ['segue_shadow_errors_total', 'Of these, copies that failed or met a 5xx.', 'copyErrors'],
    ['segue_shadow_original_errors_total', 'Of these, originals that did.', 'originalErrors'],
    ['segue_shadow_other_status_total', 'Of these, pairs with two statuses.', 'otherStatus'],
    ['segue_shadow_other_body_total', 'Of these, pairs with one status and two bodies.', 'otherBody'],
    ['segue_shadow_dropped_total', 'Copies that were left out.', 'dropped'],
  ] as const;
  for (const [name, help, key] of families) {
    out.family(name, 'counter', help);
    for (const counts of shadows) {
      const { service, version } = counts;
      out.sample({ service, version }, counts[key]);
    }
  }
}

/** Whatever the weights were. */
function versionMetrics(out: Exposition, assigned: readonly AssignedCounts[]): void {
  const versions = new Map<string, AssignedCounts>();
  for (const row of assigned) {
    const key = `${row.service} ${row.version}`;
    const known = versions.get(key);
    versions.set(key, known ? mergeAssigned(known, row) : row);
  }
  out.family('segue_request_duration_seconds', 'histogram', 'Time to the end of the response, by version.');
  for (const { service, version, latency, latencySumMs } of versions.values()) {
    const counts = cumulative(latency, BOUNDS_MS);
    out.histogram(
      { service, version },
      {
        bounds: BOUNDS_MS.map((boundMs) => boundMs / 1_000),
        counts,
        sum: latencySumMs / 1_000,
      },
    );
  }
}

function instanceMetrics(out: Exposition, all: readonly InstanceCounts[]): void {
  const shown = busiest(all, limits.gateway.metricsInstancesMax);
  out.single(
    'segue_instances_left_out',
    'gauge',
    'Instances without series of their own, because there are too many.',
    all.length - shown.length,
  );
  out.family('segue_requests_total', 'counter', 'Requests that ended, by outcome.');
  for (const counts of shown)
    for (const [outcome, count] of outcomesOf(counts)) out.sample({ ...labelsOf(counts), outcome }, count);
  const families = [
    ['segue_requests_in_flight', 'gauge', 'Requests under way, streams apart.', 'inFlight'],
    ['segue_streams', 'gauge', 'WebSockets, event streams and other upgrades that are open.', 'streams'],
    ['segue_retries_total', 'counter', 'Tries at this instance that moved on to another one.', 'retried'],
    ['segue_ejected', 'gauge', 'The instance is out of rotation because it failed.', 'ejected'],
    ['segue_ejections_total', 'counter', 'How often that happened.', 'ejections'],
    ['segue_received_bytes_total', 'counter', 'Bytes sent to the instance, heads included.', 'bytesIn'],
    ['segue_sent_bytes_total', 'counter', 'Bytes passed on from the instance, heads included.', 'bytesOut'],
  ] as const;
  for (const [name, type, help, key] of families) {
    out.family(name, type, help);
    for (const counts of shown) out.sample(labelsOf(counts), Number(counts[key]));
  }
}

const labelsOf = ({ service, version, instance }: InstanceCounts) => ({ service, version, instance });

function busiest(all: readonly InstanceCounts[], most: number): readonly InstanceCounts[] {
  if (all.length <= most) return all;
  return all.toSorted((a, b) => b.lastRequestAtMs - a.lastRequestAtMs).slice(0, most);
}

const CLASSES = ['2xx', '3xx', '4xx', '5xx'] as const;

function outcomesOf(counts: Totals): (readonly [outcome: string, count: number])[] {
  const answered = CLASSES.map((name, at) => [name, valueAt(counts.answered, at)] as const);
  return [...answered, ['failed', counts.failed], ['abandoned', counts.abandoned]];
}

const valueAt = (answered: Answered, at: number) => answered[at] ?? 0;

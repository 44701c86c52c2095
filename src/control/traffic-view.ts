/** GET /v1/traffic: where requests go now, from the gateway's newest report and those of the last seconds. */
import { describeListen } from '../core/listen.ts';
import type { WebService } from '../core/project.ts';
import type { AssignedCounts, InstanceCounts, TrafficReport } from '../core/traffic/counts.ts';
import { EMPTY_REPORT } from '../core/traffic/report-book.ts';
import { quantileMs } from '../core/traffic/histogram.ts';
import { type Rotation, routedTo } from '../core/traffic/rotation.ts';
import { ASSIGNED } from '../core/traffic/row-kinds.ts';
import { noShadows } from '../core/traffic/shadow.ts';
import { summed } from '../core/traffic/worker-rows.ts';
import { SegueError } from '../core/errors.ts';
import type { ServiceTraffic, ShadowTraffic, TrafficResponse, VersionTraffic } from '../wire/api.ts';
import type { Control } from './control.ts';

/** Throws SERVICE_UNKNOWN and WORKER_HAS_NO_TRAFFIC. Null: all services. */
export function trafficOf(control: Control, only: string | null): TrafficResponse {
  const services = control.webs.filter(({ name }) => only === null || name === only);
  if (only !== null && services.length === 0) {
    const isWorker = control.services.some(({ name }) => name === only);
    throw new SegueError(isWorker ? 'WORKER_HAS_NO_TRAFFIC' : 'SERVICE_UNKNOWN', `"${only}"`);
  }
  const known = control.ports.plane.report();
  const report = known ?? EMPTY_REPORT;
  const instances = Map.groupBy(report.instances, ({ service }) => service);
  const assigned = Map.groupBy(summed(report.assigned, ASSIGNED), ({ service }) => service);
  return {
    atMs: known ? report.atMs : null,
    windowMs: control.window.lengthMs(report),
    gateway: { ...control.gateway, connections: report.gateway.connections },
    running: report.running,
    services: services.map((service) =>
      serviceTraffic(control, service, report, {
        instances: instances.get(service.name) ?? [],
        assigned: assigned.get(service.name) ?? [],
      }),
    ),
  };
}

interface Rows {
  readonly instances: readonly InstanceCounts[];
  readonly assigned: readonly AssignedCounts[];
}

function serviceTraffic(
  { ledger, window }: Control,
  { name, traffic }: WebService,
  report: TrafficReport,
  { instances, assigned }: Rows,
): ServiceTraffic {
  const own = report.services.find(({ service }) => service === name);
  const idle = { retriedPerSecond: 0, heldPerSecond: 0, refusedPerSecond: 0 };
  const { rotation, stable } = ledger.service(name);
  const versionOf = new Map(ledger.instances.map(({ id, version }) => [id, version]));
  const placed = routedTo(rotation).flatMap((id) => versionOf.get(id) ?? []);
  const flows = assigned.map((row) => ({ row, flow: window.flowOf(row, report) }));
  const inWindow = flows.reduce((sum, { flow }) => sum + flow.requests, 0);
  const versions = new Set([...placed, ...instances.filter(isBusy).map(({ version }) => version)]);
  for (const { row, flow } of flows) if (flow.requests > 0) versions.add(row.version);
  const versionTraffic = (version: string): VersionTraffic => {
    const mine = instances.filter((counts) => counts.version === version);
    const sum = (of: (counts: InstanceCounts) => number) => mine.reduce((total, each) => total + of(each), 0);
    return {
      version,
      stable: version === stable,
      instances: placed.filter((each) => each === version).length,
      inFlight: sum(({ inFlight }) => inFlight),
      streams: sum(({ streams }) => streams),
      weights: flows
        .filter(({ row, flow }) => row.version === version && flow.requests > 0)
        .map(({ row: { group, percent }, flow }) => ({
          ...{ group, percent, ...flow },
          share: flow.requests / inWindow,
        })),
    };
  };
  return {
    name,
    listen: describeListen(traffic.listen, traffic.tls !== null),
    holding: own?.holding ?? 0,
    ...(own ? window.serviceFlowOf(own, report) : idle),
    versions: [...versions].map(versionTraffic),
    shadow: shadowTraffic(name, rotation, report, versionOf),
  };
}

function shadowTraffic(
  name: string,
  { split }: Rotation,
  report: TrafficReport,
  versionOf: ReadonlyMap<string, string>,
): ShadowTraffic | null {
  const version = versionOf.get(split?.candidate.instances[0] ?? '');
  if (!split?.shadow || version === undefined) return null;
  const found = report.shadows.find((each) => each.service === name && each.version === version);
  const { service: _service, copyLatency, originalLatency, ...counts } = found ?? noShadows(name, version);
  return {
    ...split.shadow,
    ...counts,
    copyP99Ms: quantileMs(copyLatency, 0.99) ?? null,
    originalP99Ms: quantileMs(originalLatency, 0.99) ?? null,
  };
}

const isBusy = ({ inFlight, streams }: InstanceCounts) => inFlight + streams > 0;

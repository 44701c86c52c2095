import { describeStandingWhole } from '../../core/judge/standing.ts';
import type { CertificateState } from '../../core/traffic/certificates.ts';
import { count, formatDurationMs } from '../../core/units.ts';
import type {
  GatewayStatus,
  InstanceStatus,
  ReleaseSummary,
  RolloutStatus,
  ServiceStatus,
  StatusResponse,
} from '../../wire/api.ts';
import type { FlagsSummary } from '../../wire/flag-api.ts';
import { renderTrouble } from './flags.ts';
import { describeWaiting, stateCell } from './release.ts';
import { renderSchemaStatus } from './schema-status.ts';
import { fromTo, number, type Paint, type Style } from './style.ts';
import { type Cell, renderTable } from './table.ts';

export function renderStatus(status: StatusResponse, nowMs: number, paint: Paint): string[] {
  const { project, environment, control, gateway, trouble } = status;
  const up = formatDurationMs(nowMs - control.startedAtMs);
  const door = gateway.up
    ? `gateway up (routing ${gateway.routing ?? 'none'}${workersOf(gateway)})`
    : paint('red', 'gateway does not answer');
  const title = `${paint('bold', project)}${environment === null ? '' : ` (${environment})`}`;
  return [
    `${title}  ${paint('dim', `control up ${up}`)}, ${gateway.up ? paint('dim', door) : door}`,
    ...(trouble === null ? [] : [`${paint('red', 'trouble')}: ${trouble}`]),
    ...flagLines(status.flags ?? null, paint),
    ...countryTrouble(gateway, paint),
    ...gateway.certificates.flatMap((certificate) => renderCertificate(certificate, nowMs, paint)),
    ...status.services.flatMap((service) => ['', ...renderService(service, nowMs, paint)]),
    ...(status.rollouts ?? []).flatMap((rollout) => ['', ...renderRollout(rollout, nowMs, paint)]),
    ...(status.database ? renderSchemaStatus(status.database, nowMs, paint) : []),
  ];
}

/** What waits or is wrong; flags that are well are `segue flags list`'s. */
function flagLines(flags: FlagsSummary | null, paint: Paint): string[] {
  if (flags === null) return [];
  const waiting =
    flags.waiting > 0 ? [`${paint('yellow', 'flags')}: ${count(flags.waiting, 'change')} for approval`] : [];
  return [...renderTrouble(flags.trouble, paint), ...waiting];
}

/** Nothing to say about one that is well and will be for a while. */
function renderCertificate(state: CertificateState, nowMs: number, paint: Paint): string[] {
  const { certificate, hosts, notAfterMs, trouble } = state;
  const lines = trouble === null ? [] : [`${paint('red', 'certificate')} ${trouble}`];
  const leftMs = (notAfterMs ?? Infinity) - nowMs;
  if (leftMs > CERTIFICATE_WARNING_MS) return lines;
  const end = leftMs <= 0 ? 'has expired' : `ends in ${formatDurationMs(leftMs)}`;
  const style = leftMs <= 0 ? 'red' : 'yellow';
  return [...lines, `${paint(style, 'certificate')} ${certificate} for ${hosts.join(', ')} ${end}`];
}

function countryTrouble({ countryFile }: GatewayStatus, paint: Paint): string[] {
  const trouble = countryFile?.trouble ?? null;
  return trouble === null ? [] : [`${paint('red', 'country file')} ${trouble}`];
}

/** Nothing where there is one, as on a small machine. */
function workersOf({ workers }: GatewayStatus): string {
  const serving = workers.filter(({ stage }) => stage === 'serving').length;
  const ending = workers.length - serving;
  if (workers.length < 2) return '';
  return `, ${count(serving, 'worker')}${ending > 0 ? `, ${ending} of before with connections left` : ''}`;
}

function renderService(service: ServiceStatus, nowMs: number, paint: Paint): string[] {
  const shown = service.instances.filter((i) => i.phase !== 'stopped');
  const ready = shown.filter((i) => i.ready && i.version === service.stable).length;
  const serves =
    service.stable === null
      ? 'nothing deployed yet'
      : `${service.stable} ${service.kind === 'worker' ? 'runs' : 'serves'}`;
  const share = service.stable === null ? '' : `, ${ready} of ${service.wanted} ready`;
  const before = service.previous === null ? '' : `, ${service.previous} before`;
  const held = service.holding > 0 ? paint('yellow', `, ${number(service.holding)} requests wait`) : '';
  return [
    `${paint('bold', service.name)}  ${service.listen ?? service.kind}  ${serves}${before}${share}${held}`,
    ...(shown.length > 0 ? renderTable(HEAD, shown.map(instanceRow), paint, '  ') : []),
    ...shown.filter((i) => i.trouble !== null).map((i) => `  ${paint('yellow', '!')} ${i.id}: ${i.trouble}`),
    ...(service.release ? renderActive(service.release, nowMs, paint) : []),
    ...(service.standing ? [`  judge: ${describeStandingWhole(service.standing)}`] : []),
    ...(service.back ? [`  back to ${service.back.to}: ${service.back.text}`] : []),
    ...(service.last && !service.release ? [renderLast(service.last, nowMs, paint)] : []),
  ];
}

function renderRollout({ release, standing }: RolloutStatus, nowMs: number, paint: Paint): string[] {
  return [
    paint('bold', release.service),
    ...renderActive(release, nowMs, paint),
    ...(standing ? [`  judge: ${describeStandingWhole(standing)}`] : []),
  ];
}

const CERTIFICATE_WARNING_MS = 14 * 86_400_000;

const HEAD = [
  'INSTANCE',
  'VERSION',
  'STATE',
  'TRAFFIC',
  'PORT',
  'UP',
  'IN FLIGHT',
  'STREAMS',
  'REQUESTS',
  'P99',
  'CRASHES',
];

function instanceRow(instance: InstanceStatus): Cell[] {
  const state = stateOf(instance);
  return [
    { text: instance.id },
    { text: instance.version },
    { text: state.text, style: state.style },
    {
      text: instance.traffic === 'none' ? '-' : instance.traffic,
      ...(instance.traffic === 'ejected' ? { style: 'yellow' as const } : {}),
    },
    { text: String(instance.port) },
    { text: formatDurationMs(instance.upMs) },
    { text: number(instance.inFlight) },
    { text: number(instance.streams) },
    { text: number(instance.requests) },
    { text: instance.p99Ms === null ? '-' : formatDurationMs(instance.p99Ms) },
    { text: number(instance.crashes), ...(instance.crashes > 0 ? { style: 'yellow' as const } : {}) },
  ];
}

function stateOf({ phase, ready }: InstanceStatus): { text: string; style: Style } {
  if (phase !== 'running') return { text: phase, style: 'dim' };
  return ready ? { text: 'ready', style: 'green' } : { text: 'not ready', style: 'yellow' };
}

function renderActive(release: ReleaseSummary, nowMs: number, paint: Paint): string[] {
  const since = formatDurationMs(nowMs - release.startedAtMs);
  const { text, style } = stateCell(release);
  const state = paint(style, text);
  const step = release.step ? `, step ${release.stepNumber} of ${release.stepCount}: ${release.step}` : '';
  const share = release.percent === null ? '' : `, ${release.percent}% to ${release.to}`;
  const others = release.together.map((other) => other.service).join(', ');
  const together = others ? ` together with ${others}` : '';
  const line = `  ${release.id} ${state} for ${since}: ${release.kind} ${fromTo(release.from, release.to)}${together}${share}${step}`;
  const waits = release.waiting
    ? [`  ${paint('yellow', describeWaiting(release.waiting))}; go on: ${release.waiting.next}`]
    : [];
  return [line, ...waits, ...(release.why ? [`  ${release.why}`] : [])];
}

function renderLast(release: ReleaseSummary, nowMs: number, paint: Paint): string {
  const ago = formatDurationMs(nowMs - (release.endedAtMs ?? nowMs));
  const { text, style } = stateCell(release);
  const state = paint(style, text);
  return `  ${paint('dim', 'last:')} ${release.id} ${release.kind} ${fromTo(release.from, release.to)} ${state} ${ago} ago`;
}

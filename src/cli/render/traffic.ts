import { count, formatDurationMs } from '../../core/units.ts';
import type { ServiceTraffic, TrafficResponse, VersionTraffic } from '../../wire/api.ts';
import { renderShadow } from './shadow.ts';
import { number, type Paint, type Style } from './style.ts';
import { type Cell, renderTable } from './table.ts';

const HEAD = [
  'VERSION',
  'GROUP',
  'WEIGHT',
  'SHARE',
  '',
  'REQ/S',
  'ERRORS',
  'P50',
  'P95',
  'P99',
  'IN FLIGHT',
  'STREAMS',
];
const BAR_CELLS = 20;
const NONE = '-';

type Weight = VersionTraffic['weights'][number];

export function renderTraffic(traffic: TrafficResponse, paint: Paint): string[] {
  return [
    ...renderGateway(traffic, paint),
    ...traffic.services.flatMap((service) => ['', ...renderService(service, paint)]),
  ];
}

function renderGateway({ gateway, windowMs, running, atMs }: TrafficResponse, paint: Paint): string[] {
  if (atMs === null) return [paint('red', 'The gateway has not reported yet.')];
  const window = windowMs > 0 ? `last ${formatDurationMs(windowMs)}` : 'nothing to compare with yet';
  const routing = `routing ${gateway.routing ?? 'none'}`;
  const connections = `${number(gateway.connections)} connections`;
  const old = running.filter((each) => each.routing !== gateway.routing);
  return [
    `${gateway.up ? routing : paint('red', 'gateway does not answer')}, ${connections}  ${paint('dim', window)}`,
    ...old.map(({ routing: at, requests, streams }) =>
      paint('yellow', `still on routing ${at}: ${count(requests, 'request')}, ${count(streams, 'stream')}`),
    ),
  ];
}

function renderService(service: ServiceTraffic, paint: Paint): string[] {
  const { name, listen, holding, versions, shadow, ...flow } = service;
  const notes: (readonly [text: string, style: Style])[] = [
    ...(holding > 0 ? [[`${number(holding)} wait`, 'yellow'] as const] : []),
    ...noteOf(flow.retriedPerSecond, 'retried', 'yellow'),
    ...noteOf(flow.heldPerSecond, 'held', 'yellow'),
    ...noteOf(flow.refusedPerSecond, 'refused', 'red'),
  ];
  const said = notes.map(([text, style]) => `  ${paint(style, text)}`).join('');
  const split = versions.some(({ weights }) => weights.some(({ group }) => group !== null));
  const rows = versions.flatMap((version) => rowsOf(version)).map((row) => columns(row, split));
  const head = columns(HEAD, split);
  return [
    `${paint('bold', name)}  ${listen}${said}`,
    ...(rows.length > 0 ? renderTable(head, rows, paint, '  ') : [paint('dim', '  nothing serves')]),
    ...(shadow ? renderShadow(shadow, paint) : []),
  ];
}

/** Without a split, groups and weights say nothing. */
function columns<T>(row: readonly T[], split: boolean): readonly T[] {
  return split ? row : [...row.slice(0, 1), ...row.slice(3)];
}

function noteOf(perSecond: number, what: string, style: Style): (readonly [text: string, style: Style])[] {
  return perSecond > 0 ? [[`${rate(perSecond)}/s ${what}`, style]] : [];
}

/** A line for each weight that had requests; what belongs to the version as a whole stands in the first. */
function rowsOf(version: VersionTraffic): Cell[][] {
  const weights = version.weights.length > 0 ? version.weights : [null];
  return weights.map((weight, at) => rowOf(version, weight, at === 0));
}

const right = (text: string, style?: Style): Cell => ({ text, right: true, ...(style ? { style } : {}) });

function rowOf(version: VersionTraffic, weight: Weight | null, first: boolean): Cell[] {
  const style = version.stable ? 'green' : 'cyan';
  return [
    { text: first ? version.version : '', style },
    { text: weight?.group ?? NONE },
    right(shown(weight?.percent, (value) => `${value}%`)),
    right(shown(weight?.share, percent)),
    { text: weight ? bar(weight.share) : '', style },
    right(weight ? rate(weight.perSecond) : '0'),
    right(shown(weight?.errorShare, percent), (weight?.errorShare ?? 0) > 0 ? 'red' : undefined),
    right(shown(weight?.p50Ms, formatDurationMs)),
    right(shown(weight?.p95Ms, formatDurationMs)),
    right(shown(weight?.p99Ms, formatDurationMs)),
    right(first ? number(version.inFlight) : ''),
    right(first ? number(version.streams) : ''),
  ];
}

/** No data is shown as no data (R8). */
function shown(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? NONE : format(value);
}

const bar = (share: number) => '█'.repeat(Math.max(1, Math.round(share * BAR_CELLS)));

/** Small shares must not look like none. */
function percent(share: number): string {
  const value = share * 100;
  if (value === 0 || value >= 99.95) return `${Math.round(value)}%`;
  return value < 0.1 ? '<0.1%' : `${value.toFixed(1)}%`;
}

function rate(perSecond: number): string {
  if (perSecond > 0 && perSecond < 0.1) return '<0.1';
  return perSecond < 10 ? String(Number(perSecond.toFixed(1))) : number(Math.round(perSecond));
}

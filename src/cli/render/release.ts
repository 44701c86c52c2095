import type { ReleaseSummary, ReleaseResponse } from '../../wire/api.ts';
import { formatDurationMs } from '../../core/units.ts';
import { renderTimeline } from './fact.ts';
import { renderContracts } from './contracts.ts';
import { renderSteps, renderWays } from './plan.ts';
import { leftVersion, renderReceipt } from './receipt.ts';
import { dateTime, fromTo, type Paint, type Style } from './style.ts';
import { type Cell, renderTable } from './table.ts';
import { renderVerdicts } from './verdict.ts';

const STATE_STYLES: Readonly<Record<ReleaseSummary['state'], Style>> = {
  running: 'cyan',
  'going-back': 'yellow',
  done: 'green',
  stopped: 'green',
  'rolled-back': 'yellow',
  stuck: 'red',
};

export function renderReleases(releases: readonly ReleaseSummary[], nowMs: number, paint: Paint): string[] {
  if (releases.length === 0) return ['No release yet. The first one: segue deploy SERVICE'];
  const rows = releases.map((release): Cell[] => [
    { text: release.id, style: 'bold' },
    { text: release.service },
    { text: release.kind },
    { text: fromTo(release.from, release.to) },
    { text: release.strategy },
    stateCell(release),
    { text: dateTime(release.startedAtMs) },
    { text: formatDurationMs((release.endedAtMs ?? nowMs) - release.startedAtMs), right: true },
    { text: release.by },
  ]);
  const head = ['RELEASE', 'SERVICE', 'KIND', 'VERSIONS', 'STRATEGY', 'STATE', 'STARTED', 'TOOK', 'BY'];
  return renderTable(head, rows, paint);
}

/** A release that waits for a person is `running`, but nobody should have to guess that it waits. */
export function stateCell({ state, waiting }: ReleaseSummary): { text: string; style: Style } {
  if (waiting) return { text: waiting.for === 'resume' ? 'paused' : 'waiting', style: 'yellow' };
  return { text: state.replace('-', ' '), style: STATE_STYLES[state] };
}

export function describeWaiting({ for: what, why }: NonNullable<ReleaseSummary['waiting']>): string {
  switch (what) {
    case 'resume':
      return `paused by ${why}`;
    case 'approval':
      return 'waits for approval';
    case 'evidence':
      return `waits for evidence or a person: ${why}`;
  }
}

/** Everything about one release, from the journal. */
export function renderRelease(response: ReleaseResponse, nowMs: number, paint: Paint): string[] {
  const { release, summary, companions, entries, back, contracts = [] } = response;
  const verdicts = renderVerdicts(response, paint);
  const heading = (text: string) => ['', paint('bold', text)];
  return [
    ...renderSummary(summary, nowMs, paint),
    ...(companions.length > 0
      ? [...heading('Together with'), ...renderReleases(companions, nowMs, paint)]
      : []),
    ...heading('Plan'),
    ...renderSteps(release.plan, paint),
    '',
    ...renderWays(release.plan, paint),
    ...(back ? [`  ${paint('bold', 'now')}: ${back.text}`] : []),
    ...(contracts.length > 0 ? [...heading('Contracts'), ...renderContracts(contracts, nowMs, paint)] : []),
    ...(verdicts.length > 0 ? [...heading('Judge'), ...verdicts] : []),
    ...heading('Timeline'),
    ...renderTimeline(entries, paint),
    ...(release.receipt
      ? [...heading('Requests'), ...renderReceipt(release.receipt, leftVersion(release), paint)]
      : []),
  ];
}

export function renderSummary(summary: ReleaseSummary, nowMs: number, paint: Paint): string[] {
  const { id, service, kind, from, to, strategy, waiting, by, why } = summary;
  const state = stateCell(summary);
  const title = `${paint('bold', id)}  ${kind} of ${service} ${fromTo(from, to)}, ${strategy}, by ${by}`;
  const tookMs = (summary.endedAtMs ?? nowMs) - summary.startedAtMs;
  const when = `began ${dateTime(summary.startedAtMs)}, ${summary.endedAtMs === null ? 'so far' : 'took'} ${formatDurationMs(tookMs)}`;
  return [
    title,
    `${paint(state.style, state.text)}, ${when}`,
    ...(summary.step ? [`step ${summary.stepNumber} of ${summary.stepCount}: ${summary.step}`] : []),
    ...(summary.percent === null ? [] : [`${summary.percent}% of the requests to ${to}`]),
    ...(waiting ? [`${describeWaiting(waiting)}; go on: ${waiting.next}`] : []),
    ...(why ? [why] : []),
  ];
}

/** What the judge says of a release, with its proof. */
import type { GuardedJudgement } from '../../core/judge/guarded-judgement.ts';
import { isReached } from '../../core/judge/verdict.ts';
import type { QuantileReport, RowReport, SideReport } from '../../core/judge/row-report.ts';
import { describeFinding, describeGuard, describeMissing, describeStanding } from '../../core/judge/words.ts';
import type { ReleaseRecord } from '../../core/release/records.ts';
import { describeStep } from '../../core/release/step.ts';
import { formatDurationMs } from '../../core/units.ts';
import type { Entry, Fact } from '../../core/release/journal.ts';
import type { Judging, ReleaseResponse } from '../../wire/api.ts';
import { guardRows } from './guard-rows.ts';
import { MARKS, STYLES } from './marks.ts';
import { number, type Paint } from './style.ts';
import { type Cell, renderTable } from './table.ts';

/** As it stands now, or the last word of each stage; nothing where nothing was judged. */
export function renderVerdicts({ judging, entries, release }: ReleaseResponse, paint: Paint): string[] {
  const steps = release.plan.steps;
  const titleOf = (stage: number) => {
    const step = steps[stage];
    const what = step?.kind === 'flag' ? describeStep(step) : step && 'purpose' in step ? step.purpose : null;
    return `step ${stage + 1}${what === null ? '' : `, ${what}`}`;
  };
  const last = lastWords(entries).filter(({ stage }) => stage !== judging?.stage);
  return [
    ...last.flatMap(({ stage, judgement, rows = [] }) => [
      ...renderStage(titleOf(stage), judgement, null, paint),
      ...renderRows(rows, release, paint),
    ]),
    ...(judging
      ? [
          ...renderStage(titleOf(judging.stage), judging.judgement, judging, paint),
          ...renderRows(judging.report, release, paint),
        ]
      : []),
  ];
}

function renderStage(
  title: string,
  judgement: GuardedJudgement,
  judging: Judging | null,
  paint: Paint,
): string[] {
  const perSecond = judging?.perSecond ?? null;
  const standing =
    judging || judgement.verdict !== 'not-enough-evidence'
      ? describeStanding(judgement, perSecond)
      : 'ended without enough evidence';
  const rows = judgement.findings.map((finding): Cell[] => [
    { text: MARKS[finding.verdict], style: STYLES[finding.verdict] },
    { text: describeGuard(finding) },
    { text: describeFinding(finding) },
    { text: judging ? describeMissing(finding, perSecond) : '', style: 'dim' },
  ]);
  const { mismatch } = judgement;
  const split = isReached(mismatch)
    ? [
        `    ${paint('yellow', '!')} the split that was seen is not the one that was asked for: nothing is promoted on it`,
      ]
    : [];
  return [
    `  ${title}: ${paint(STYLES[judgement.verdict], standing)}`,
    ...renderTable([], [...rows, ...guardRows(judgement.guards)], paint, '    '),
    ...split,
  ];
}

/** What each weight and rule brought, both sides one below the other. */
function renderRows(
  rows: readonly RowReport[],
  { from, to }: Pick<ReleaseRecord, 'from' | 'to'>,
  paint: Paint,
): string[] {
  const rowOf = (head: string, version: string, { requests, errors, latency }: SideReport): Cell[] => [
    { text: head, style: 'dim' },
    { text: version },
    { text: number(requests), right: true },
    { text: number(errors), right: true },
    ...QUANTILES.map((quantile): Cell => {
      const found = latency.find((each) => each.quantile === quantile);
      return { text: found ? describeQuantile(found) : '-' };
    }),
  ];
  const cells = rows.flatMap(({ rule, share, candidate, stable }) => [
    rowOf(rule ?? `${Math.round(share * 100)}%`, to, candidate),
    ...(stable.requests > 0 ? [rowOf('', from ?? '-', stable)] : []),
  ]);
  return cells.length > 0
    ? renderTable(['OF', 'VERSION', 'REQUESTS', 'ERRORS', 'P50', 'P95', 'P99'], cells, paint, '    ')
    : [];
}

const QUANTILES = [0.5, 0.95, 0.99];

function describeQuantile({ fromMs, toMs }: QuantileReport): string {
  if (toMs === null) return fromMs > 0 ? `over ${formatDurationMs(fromMs)}` : '-';
  return `${formatDurationMs(fromMs)} to ${formatDurationMs(toMs)}`;
}

type VerdictFact = Extract<Fact, { kind: 'verdict' }>;

/** Of each stage in its order, the newest. */
function lastWords(entries: readonly Entry[]): VerdictFact[] {
  const byStage = new Map<number, VerdictFact>();
  for (const { fact } of entries) if (fact.kind === 'verdict') byStage.set(fact.stage, fact);
  return [...byStage.values()].toSorted((a, b) => a.stage - b.stage);
}

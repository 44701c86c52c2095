/** What happened to every request, in one table: the load's own count beside the gateway's. */
import type { Failure, Summary, WindowSummary } from '../../test/load/summary.ts';
import { paint, seconds } from './screen.ts';
import type { Stage } from './scenes.ts';
import { formatTable, type Column } from './table.ts';

const FAILURES_SHOWN = 8;
const COLUMNS: readonly Column[] = [
  { title: 'under load', align: 'left' },
  { title: 'took', align: 'right' },
  { title: 'answered', align: 'right' },
  { title: 'failed', align: 'right' },
  { title: 'longest', align: 'right' },
  { title: 'p99', align: 'right' },
  { title: 'last on old', align: 'right' },
];

export function printReceipt(summary: Summary, cutOvers: Stage['cutOvers']): void {
  const rows = summary.windows.flatMap((window) => {
    if (window.name === 'before') return [rowOf(window, null)];
    const cutOver = cutOvers.find(({ window: name }) => name === window.name);
    return cutOver ? [rowOf(window, cutOver.release.receipt)] : [];
  });
  const { websocket, sse } = summary.streams;
  const sum = (pick: 'retried' | 'held') =>
    cutOvers.reduce((total, { release }) => total + (release.receipt?.[pick] ?? 0), 0);
  const broken = websocket.broken + sse.broken;
  const facts = [
    ['requests', `${summary.sent} sent, ${summary.answered} answered, ${failures(summary.failed, 'failed')}`],
    ['by the gateway', `${sum('retried')} retried, ${sum('held')} held during releases`],
    [
      'streams',
      `${websocket.opened + sse.opened} opened, ${websocket.told + sse.told} times told to come back, ` +
        `${websocket.reconnected + sse.reconnected} times came back, ${failures(broken, 'broken')}`,
    ],
  ];
  console.log(`\n${paint('bold', 'Receipt')}\n`);
  for (const [name = '', text = ''] of facts) console.log(`  ${paint('dim', name.padEnd(15))} ${text}`);
  console.log();
  for (const line of formatTable(COLUMNS, rows, (text) => paint('dim', text))) console.log(`  ${line}`);
  console.log(
    paint('dim', '\n  last on old: from the decision to the last request on the version that was left'),
  );
  for (const failure of summary.failures.slice(0, FAILURES_SHOWN))
    console.log(`  ${describeFailure(failure)}`);
}

type GatewayCounts = Stage['cutOvers'][number]['release']['receipt'];

function rowOf(window: WindowSummary, receipt: GatewayCounts): readonly string[] {
  const last = receipt?.lastOldRequestAfterMs;
  return [
    window.name,
    seconds(window.durationMs),
    `${window.answered}`,
    failures(window.failed, ''),
    ms(window.latency?.maxMs),
    ms(window.latency?.p99Ms),
    last === undefined || last === null ? '' : ms(last),
  ];
}

function ms(value: number | undefined): string {
  if (value === undefined) return '-';
  return `${value.toFixed(value > 0 && value < 10 ? 1 : 0)} ms`;
}

function failures(count: number, word: string): string {
  return paint(count === 0 ? 'green' : 'red', `${count} ${word}`.trim());
}

function describeFailure(failure: Failure): string {
  const { reason, code, method, path, window, detail, version } = failure;
  const about = [code, version, detail.replaceAll(/\s+/g, ' ').slice(0, 120)].filter(Boolean).join(', ');
  return paint('red', `${reason}: ${method} ${path} in "${window}" (${about})`);
}

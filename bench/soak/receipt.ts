/** What came of a run, as people read it. */
import { formatTable, type Column } from '../../examples/demo/table.ts';
import { paint, seconds } from '../../examples/demo/screen.ts';
import { formatBytes } from '../../src/core/units.ts';
import { spreadOf } from '../support/spread.ts';
import type { Played } from './performance.ts';
import { isLostWith } from './kill.ts';
import { brokenOf, isJudged, lostWithWorkers, type Run } from './verdict.ts';

const FAILURES_SHOWN = 12;
const right = (title: string): Column => ({ title, align: 'right' });
const ACTS: readonly Column[] = [
  { title: 'under load', align: 'left' },
  right('times'),
  right('median'),
  right('longest'),
];
const PROCESSES: readonly Column[] = [
  { title: 'process', align: 'left' },
  right('watched'),
  right('memory'),
  right('a minute'),
  right('descriptors'),
  right('a minute'),
];

export function printReceipt(run: Run, faults: readonly string[]): void {
  const { summary, ending } = run;
  const { websocket, sse } = summary.streams;
  const releases = ending.played.reduce((sum, act) => sum + act.releases, 0);
  console.log(`\n${paint('bold', 'Receipt')}\n`);
  printFacts([
    ['requests', `${summary.sent} sent, ${summary.answered} answered, ${summary.failed} failed`],
    [
      'rate',
      `${Math.round((summary.answered * 1_000) / summary.elapsedMs)} a second, ${seconds(summary.elapsedMs)}`,
    ],
    ['releases', `${releases} in ${ending.rounds} rounds`],
    [
      'streams',
      `${websocket.opened + sse.opened} opened, ${websocket.told + sse.told} times told to come back, ` +
        `${websocket.reconnected + sse.reconnected} times came back, ${websocket.broken + sse.broken} broken`,
    ],
    [
      'kills',
      `${run.kills.length} workers killed, ${lostWithWorkers(run)} requests and streams under way lost with them`,
    ],
    [
      'refused',
      `${summary.refusedStreams} HTTP/2 streams unprocessed at a good-bye, sent on the next session`,
    ],
    ['failed', `${brokenOf(run) - lostWithWorkers(run)} otherwise`],
    ['latency', latency(run)],
  ]);
  printRows(ACTS, actRows(ending.played));
  printRows(PROCESSES, run.growths.map(growthRow));
  console.log(paint('dim', '\n  memory and descriptors: since the process had settled'));
  const unexcused = summary.failures.filter((failure) => !isLostWith(run.kills, failure));
  for (const { reason, method, path, status, detail, version, localPort } of unexcused.slice(
    0,
    FAILURES_SHOWN,
  ))
    console.log(
      `  ${paint('red', reason)} ${method} ${path} ${status ?? ''} ${version ?? ''} :${localPort ?? '?'} ${detail}`,
    );
  for (const fault of faults) console.log(`  ${paint('red', 'fault')} ${fault}`);
}

function latency({ summary }: Run): string {
  const found = summary.windows.find(({ name }) => name === 'soak')?.latency;
  if (!found) return 'nothing was timed';
  return `median ${found.p50Ms.toFixed(1)} ms, p99 ${found.p99Ms.toFixed(0)} ms, longest ${found.maxMs.toFixed(0)} ms`;
}

function actRows(played: readonly Played[]): readonly string[][] {
  return [...Map.groupBy(played, ({ name }) => name)].map(([name, all]) => {
    const { median, max, rounds } = spreadOf(all.map(({ tookMs }) => tookMs));
    return [name, `${rounds}`, seconds(median), seconds(max)];
  });
}

function growthRow(growth: Run['growths'][number]): readonly string[] {
  const { role, pid, watchedMs, memoryBytes, memoryBytesPerMinute, descriptors, descriptorsPerMinute } =
    growth;
  const perMinute = (text: string) => (isJudged(growth) ? text : 'too young');
  return [
    `${role} ${pid}`,
    seconds(watchedMs),
    formatBytes(memoryBytes),
    perMinute(`${((memoryBytesPerMinute ?? 0) / 1024 / 1024).toFixed(2)} MB`),
    `${descriptors}`,
    perMinute((descriptorsPerMinute ?? 0).toFixed(1)),
  ];
}

function printFacts(facts: readonly (readonly [string, string])[]): void {
  for (const [name, text] of facts) console.log(`  ${paint('dim', name.padEnd(10))} ${text}`);
}

function printRows(columns: readonly Column[], rows: readonly (readonly string[])[]): void {
  console.log();
  for (const line of formatTable(columns, rows, (text) => paint('dim', text))) console.log(`  ${line}`);
}

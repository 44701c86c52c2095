/** Hunts output that misleads: columns out of line, a mark under the wrong column, bad news that looks good. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rolloutPlan } from '../../core/flags/rollout.ts';
import type { Plan } from '../../core/release/plan.ts';
import type { TrafficResponse } from '../../wire/api.ts';
import { beginProgress, advance, type Progress } from '../progress.ts';
import { renderError } from './error.ts';
import { renderLogLine } from './logs.ts';
import { renderShadow } from './shadow.ts';
import { renderTraffic } from './traffic.ts';
import { renderPlan } from './plan.ts';
import { progressLine, renderProgress } from './progress.ts';
import { renderReceipt } from './receipt.ts';
import { type Paint, plainPaint } from './style.ts';
import { renderTable } from './table.ts';
import { entry, READY, releaseOf, START } from '../../../test/support/release-records.ts';

process.env['TZ'] = 'UTC';
const loud: Paint = (style, text) => `<${style}>${text}</>`;

test('a table keeps its columns in line whatever the colours', () => {
  const rows = [
    [
      { text: 'a', style: 'green' as const },
      { text: '5', right: true },
    ],
    [{ text: 'long' }, { text: '1,000', right: true }],
  ];
  assert.deepEqual(renderTable(['N', 'COUNT'], rows, plainPaint), [
    'N     COUNT',
    'a         5',
    'long  1,000',
  ]);
  assert.equal(renderTable([], rows, loud)[0], '<green>a</>         5');
});

describe('an error', () => {
  test('says code, what happened, the case and what to do', () => {
    const record = { code: 'SERVICE_UNKNOWN', detail: '"wbe"; there is web.' } as const;
    assert.deepEqual(renderError(record, [], plainPaint), [
      'error SERVICE_UNKNOWN: The service is not in segue.yaml.',
      '  "wbe"; there is web.',
      'next: Run "segue status" to see the names.',
    ]);
  });

  test('of a file shows the line and marks the column, tabs included', () => {
    const record = { code: 'FILE_INVALID', detail: 'segue.yaml:2:4: a: expected b' } as const;
    assert.deepEqual(renderError(record, ['one', '\t  x: 1'], plainPaint).slice(2, 5), [
      'segue.yaml:2:4: a: expected b',
      '  2 | \t  x: 1',
      '    | \t  ^',
    ]);
  });
});

const PLAN: Plan = releaseOf('done').plan;

test('a plan shows its steps and the way back from each', () => {
  assert.deepEqual(renderPlan(PLAN, false, plainPaint), [
    'web v1 -> v2, rolling',
    '',
    '  1  start 1 instance of v2 (web-r2-1)',
    '  2  wait until ready: web-r2-1',
    '  3  promote v2 to stable',
    '',
    'The way back to v1',
    '  after steps 1-2  stable is untouched; the candidate is only stopped',
    '  after step 3     finished: "segue rollback" makes a new release',
    '  warning: files of v1 are missing',
  ]);
  assert.match(renderPlan(PLAN, true, plainPaint).join('\n'), /v2 serves already/);
});

test('the way back from a roll-out names the flag: no folder says which one is meant', () => {
  const rollout = {
    ...{ flag: 'checkout', from: 'off', to: 'on', before: null, reason: '', approvers: null },
    ...{ services: [], judge: null, keyed: false },
  };
  const gates = { forMs: 60_000, evidence: false, approve: false };
  const order = { release: 'r2', rollout, percents: [10], gates, isAll: true, hasFile: true, problems: [] };
  assert.deepEqual(renderPlan(rolloutPlan(order), false, plainPaint).slice(-2), [
    '  after steps 1-3  one change of the flag: it is as it was before',
    '  after step 4     finished: "segue rollback flag:checkout" makes a new release',
  ]);
});

describe('progress', () => {
  const events = [
    entry(1, 0, { kind: 'step-started', index: 0, direction: 'forward', step: START }),
    entry(2, 300, { kind: 'instance-started', instance: 'web-r2-1', detail: '' }),
    entry(3, 500, { kind: 'step-done', index: 0, direction: 'forward', note: 'pid 7' }),
    entry(4, 600, { kind: 'step-started', index: 1, direction: 'forward', step: READY }),
  ];
  const begin = beginProgress(releaseOf('done'));
  const size = { columns: 60, rows: 24 };
  const after = (list: readonly ReturnType<typeof entry>[]): Progress => list.reduce(advance, begin);

  test('marks what is done, under way and to come, with times', () => {
    assert.deepEqual(renderProgress(after(events), 1_600, size, plainPaint), [
      'web v1 -> v2  r2, rolling',
      '',
      '  ✓ 1  500ms  start 1 instance of v2 (web-r2-1)  pid 7',
      '  ⠦ 2     1s  wait until ready: web-r2-1',
      '    3         promote v2 to stable',
    ]);
  });

  test('turns round: the step that was under way failed, and the way back follows', () => {
    const cause = { code: 'SMOKE_FAILED', detail: 'GET / gave 500.' } as const;
    const back = entry(5, 900, { kind: 'back-planned', cause, steps: [{ kind: 'stop', instances: [] }] });
    const lines = renderProgress(after([...events, back]), 1_600, { columns: 100, rows: 24 }, plainPaint);
    assert.equal(lines[3], '  ✗ 2  300ms  wait until ready: web-r2-1');
    assert.equal(lines[6], 'going back: A smoke test of the new version failed. GET / gave 500.');
    assert.match(lines[8] ?? '', /1 {2}.*stop/);
  });

  test('says for whom it waits and how it goes on, and no longer when somebody said so', () => {
    const paused = entry(5, 900, { kind: 'paused', by: 'kim', reason: 'odd' });
    const last = (list: readonly ReturnType<typeof entry>[]) =>
      renderProgress(after(list), 1_600, { columns: 100, rows: 24 }, plainPaint).join('\n');
    assert.match(last([...events, paused]), /\n {2}paused by kim: odd; go on: segue resume web$/);
    const resumed = entry(6, 950, { kind: 'resumed', by: 'lee', reason: '' });
    assert.doesNotMatch(last([...events, paused, resumed]), /go on/);
    const approve = { kind: 'approve', instances: [] } as const;
    const record = releaseOf('done');
    const asking = beginProgress({ ...record, plan: { ...record.plan, steps: [approve] } });
    const start = { kind: 'step-started', index: 0, direction: 'forward', step: approve } as const;
    const asked = advance(asking, entry(1, 0, start));
    const lines = (progress: Progress) => renderProgress(progress, 0, size, plainPaint).join('\n');
    assert.match(lines(asked), /waits for approval: segue approve web$/);
    const done = { kind: 'step-done', index: 0, direction: 'forward', note: '' } as const;
    assert.doesNotMatch(lines(advance(asked, entry(2, 9, done))), /waits for/);
  });

  test('says how much of the requests the new version has by now', () => {
    const record = releaseOf('done');
    const share = (instances: readonly string[], percent: number) => ({ instances, percent });
    const split = { candidate: share(['web-r2-1'], 5), baseline: share([], 0), shadow: null, rules: [] };
    const routes = [split, null].map((each) => {
      const rotation = { instances: ['web-r1-1'], split: each, draining: [] };
      return { kind: 'route', rotation, purpose: '' } as const;
    });
    const canary = beginProgress({ ...record, plan: { ...record.plan, steps: routes } });
    const done = (index: number) => ({ kind: 'step-done', index, direction: 'forward', note: '' }) as const;
    const title = (progress: Progress) => renderProgress(progress, 0, size, plainPaint)[0] ?? '';
    assert.doesNotMatch(title(canary), /%/);
    const first = advance(canary, entry(1, 0, done(0)));
    assert.match(title(first), / {2}5% to v2$/);
    assert.doesNotMatch(title(advance(first, entry(2, 0, done(1)))), /%/);
  });

  test('never draws more lines than the terminal has, nor longer ones', () => {
    const many = {
      ...begin,
      forward: Array.from({ length: 90 }, () => ({
        ...begin.forward[0],
        weight: null,
        text: 'x'.repeat(200),
      })),
    };
    const steps = many.forward.map((step, i) => ({
      asks: null,
      state: 'waiting' as const,
      startedAtMs: null,
      endedAtMs: null,
      note: '',
      ...step,
      ...(i < 40 ? { state: 'done' as const } : {}),
    }));
    const lines = renderProgress({ ...begin, forward: steps }, 0, { columns: 60, rows: 20 }, plainPaint);
    assert.ok(lines.length <= 19, String(lines.length));
    assert.ok(
      lines.every((line) => line.length <= 60),
      lines.join('\n'),
    );
    assert.ok(
      lines.some((line) => line.includes(' 41 ')),
      'the next step is in sight',
    );
  });

  test('in a log is a line per event, with its place', () => {
    const lines = events.map((event, i) => progressLine(after(events.slice(0, i)), event, plainPaint));
    assert.deepEqual(
      lines.map((line) => line?.replace(/^\d\d:\d\d:\d\d/, 'T') ?? ''),
      [
        'T [1/3] start 1 instance of v2 (web-r2-1) ...',
        'T   web-r2-1 started',
        'T [1/3] start 1 instance of v2 (web-r2-1) done in 500ms (pid 7)',
        'T [2/3] wait until ready: web-r2-1 ...',
      ],
    );
  });
});

test('a receipt calls failures out', () => {
  const receipt = {
    requests: 1200,
    answered: 1199,
    errors: 2,
    failed: 1,
    refused: 0,
    retried: 3,
    held: 0,
    abandoned: 0,
    perVersion: [{ version: 'v1', requests: 1200 }],
    lastOldRequestAfterMs: 38,
  };
  const lines = renderReceipt(receipt, 'v1', loud);
  assert.match(lines.join('\n'), /failed +<red>1<\/>/);
  assert.doesNotMatch(lines.join('\n'), /refused|held/, 'what did not happen is not listed');
  assert.match(lines.join('\n'), /answered +1,199 {2}<dim>2 of them with 5xx/);
  assert.equal(lines.at(-1), '  last request on v1 38ms after the decision');
});

test('a log line carries its instance, always in the same colour', () => {
  assert.equal(renderLogLine({ instance: 'web-r1-1', line: 'hi' }, plainPaint), 'web-r1-1 | hi');
  const colours = ['a', 'b'].map((line) => renderLogLine({ instance: 'web-r1-1', line }, loud).split('>')[0]);
  assert.equal(colours[0], colours[1]);
});

describe('traffic', () => {
  const flow = { requests: 50, perSecond: 5, p50Ms: 1.5, p95Ms: 20, p99Ms: 1_500 };
  const version = { version: 'v1', stable: true, instances: 2, inFlight: 3, streams: 0 };
  const service = {
    ...{ name: 'web', listen: 'http://localhost:8080', holding: 2 },
    ...{ retriedPerSecond: 0.05, heldPerSecond: 0, refusedPerSecond: 12 },
  };
  const traffic: TrafficResponse = {
    ...{ atMs: 1, windowMs: 10_000, running: [{ routing: 41, requests: 1, streams: 2 }], services: [] },
    gateway: {
      up: true,
      pid: 7,
      routing: 42,
      workers: [],
      certificates: [],
      countryFile: null,
      connections: 1_200,
    },
  };

  test('shows each weight under which a version had requests, and what is still on an older routing', () => {
    const of = (percent: number, share: number, errorShare: number) => ({
      ...flow,
      percent,
      share,
      errorShare,
    });
    const lines = renderTraffic(
      {
        ...traffic,
        services: [
          {
            ...service,
            shadow: null,
            versions: [
              { ...version, weights: [{ group: 'stable', ...of(95, 0.9496, 0) }] },
              {
                ...{ ...version, version: 'v2', stable: false },
                weights: [
                  { group: 'candidate', ...of(5, 0.05, 0.25) },
                  { group: 'candidate', ...of(1, 0.0004, 1) },
                ],
              },
            ],
          },
        ],
      },
      plainPaint,
    );
    assert.deepEqual(lines, [
      'routing 42, 1,200 connections  last 10s',
      'still on routing 41: 1 request, 2 streams',
      '',
      'web  http://localhost:8080  2 wait  <0.1/s retried  12/s refused',
      '  VERSION  GROUP      WEIGHT  SHARE                       REQ/S  ERRORS    P50   P95   P99  IN FLIGHT  STREAMS',
      '  v1       stable        95%  95.0%  ███████████████████      5      0%  1.5ms  20ms  1.5s          3        0',
      '  v2       candidate      5%   5.0%  █                        5   25.0%  1.5ms  20ms  1.5s          3        0',
      '           candidate      1%  <0.1%  █                        5    100%  1.5ms  20ms  1.5s',
    ]);
  });

  test('shows how copies compare with what clients got', () => {
    const counts = { sent: 1_300, dropped: 5, compared: 1_234, copyErrors: 3, originalErrors: 0 };
    const shadow = {
      ...{ version: 'v2', percent: 10, methods: ['GET', 'HEAD'], bodies: true, ...counts },
      ...{ otherStatus: 4, otherBody: 2, slower: 12, copyP99Ms: 40, originalP99Ms: 12 },
    };
    assert.deepEqual(renderShadow(shadow, plainPaint), [
      '  shadow  v2 gets copies of 10% of GET, HEAD: 1,234 compared, 1,228 alike, 5 left out',
      '          errors 3 (originals 0), other status 4, other body 2, slower 12, p99 40ms (originals 12ms)',
    ]);
    const none = { ...shadow, compared: 0, dropped: 0 };
    assert.match(renderShadow(none, plainPaint).join(), /HEAD: none compared yet$/);
  });

  test('no data is shown as none, never as good data (R8)', () => {
    const idle = { ...service, ...{ holding: 0, retriedPerSecond: 0, refusedPerSecond: 0 } };
    const lines = renderTraffic(
      {
        ...traffic,
        running: [],
        services: [{ ...idle, shadow: null, versions: [{ ...version, weights: [] }] }],
      },
      plainPaint,
    );
    assert.deepEqual(lines.slice(2), [
      'web  http://localhost:8080',
      '  VERSION  SHARE    REQ/S  ERRORS  P50  P95  P99  IN FLIGHT  STREAMS',
      '  v1           -        0       -    -    -    -          3        0',
    ]);
    assert.match(renderTraffic({ ...traffic, atMs: null }, plainPaint).join(), /has not reported/);
  });
});

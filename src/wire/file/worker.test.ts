/**
 * Hunts a worker whose file is taken for what it cannot mean - traffic, shares of requests, a judge of requests - and
 * one that loses a key of its own on the way.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isWorker, type WorkerService } from '../../core/project.ts';
import { parseProjectFile } from './parse.ts';
import { formatProblem } from './problem.ts';

const file = (...lines: string[]) =>
  [
    'project: p',
    'services:',
    '  mailer:',
    '    kind: worker',
    '    run: node x',
    ...lines.map((l) => `    ${l}`),
  ].join('\n');

function workerOf(text: string, environment: string | null = null): WorkerService {
  const result = parseProjectFile(text, 'segue.yaml', environment);
  assert.ok(result.ok, JSON.stringify(result));
  const { mailer } = result.project.services;
  assert.ok(mailer && isWorker(mailer));
  return mailer;
}

function problemsOf(text: string): string[] {
  const result = parseProjectFile(text, 'segue.yaml', null);
  return result.ok ? [] : result.problems.map((problem) => formatProblem(problem).split('\n')[0] ?? '');
}

describe('a worker', () => {
  test('gets its defaults when it says as little as it may', () => {
    const worker = workerOf(file());
    assert.equal(worker.drainMs, 30_000);
    assert.deepEqual(worker.run.stop, { signal: 'SIGTERM', withinMs: null });
    assert.deepEqual(worker.health.readiness.check, { type: 'runs', forMs: 5_000 });
    assert.equal(worker.strategy.type, 'rolling');
    assert.equal(worker.judge?.guards.saturation?.cpu, null);
    assert.equal(worker.judge?.guards.saturation?.memory, 2);
    assert.equal('traffic' in worker, false);
  });

  test('means what it says, short and long, and by environment', () => {
    const text = file(
      'drain: 2m',
      'instances: 3',
      'health: { liveness: /livez, readiness: { command: node ready.js, within: 20s } }',
      'strategy: { type: handover, bake: 1m }',
      'judge: { falseAlarms: 2%, saturation: { cpu: 3x }, metrics: { age: { json: "http://h/x", value: age, max: 5 } } }',
      'smoke: [{ command: node smoke.js }]',
    );
    const worker = workerOf(
      `${text}\nenvironments: { staging: { services: { mailer: { drain: 5s } } } }`,
      'staging',
    );
    assert.equal(worker.drainMs, 5_000);
    assert.deepEqual(worker.health.readiness.check, { type: 'command', command: 'node ready.js' });
    assert.deepEqual(worker.strategy, { type: 'handover', withinMs: null, bakeMs: 60_000 });
    assert.equal(worker.judge?.rules.falseAlarms, 0.02);
    assert.equal(worker.judge?.guards.saturation?.cpu, 3);
    assert.deepEqual(Object.keys(worker.judge?.guards.metrics ?? {}), ['age']);
    assert.equal(worker.judge?.guards.probes, null);
    assert.equal(workerOf(file('judge: off')).judge, null);
  });

  test('stands beside web services, and may come after them', () => {
    const text = `${file('after: [web]')}\n  web: { run: node y, traffic: { listen: 80 } }`;
    assert.deepEqual(workerOf(text).after, ['web']);
  });
});

const NO_REQUESTS = 'does not belong here: a worker has no requests; expected metrics or saturation';
const NO_STAGES = 'does not belong here: no stage of a worker waits for evidence';
const STRATEGY =
  'rolling, blue-green or handover, or { type, ... } with the details; a worker has no requests to share out';

for (const [line, problem] of [
  [
    'traffic: { listen: 80 }',
    '6:5: services.mailer.traffic: does not belong here: a worker serves no traffic; without kind: worker the service does',
  ],
  ['judge: { errors: { max: 1% } }', `6:14: services.mailer.judge.errors: ${NO_REQUESTS}`],
  ['judge: { latency: { p99: 1s } }', `6:14: services.mailer.judge.latency: ${NO_REQUESTS}`],
  ['judge: { probes: { requests: [{ get: / }] } }', `6:14: services.mailer.judge.probes: ${NO_REQUESTS}`],
  ['judge: { onUnsure: back }', `6:14: services.mailer.judge.onUnsure: ${NO_STAGES}`],
  ['strategy: canary', `6:15: services.mailer.strategy: expected ${STRATEGY}, got "canary"`],
  [
    'strategy: { type: ab, rules: [] }',
    `6:23: services.mailer.strategy.type: expected ${STRATEGY}, got "ab"`,
  ],
  [
    'strategy: { type: blue-green, preview: 1m }',
    '6:35: services.mailer.strategy.preview: does not belong here: nobody sends requests to a worker',
  ],
  [
    'strategy: { type: handover, within: 1m }',
    '6:33: services.mailer.strategy.within: does not belong here: no request waits; health.readiness.within bounds the start of the new version',
  ],
  [
    'strategy: { type: rolling, surge: 0, unavailable: 0 }',
    '6:39: services.mailer.strategy.surge: surge and unavailable are both 0, so no instance could ever be replaced',
  ],
  [
    'health: { readiness: { runs: 2m } }',
    '6:34: services.mailer.health.readiness.runs: expected less than within (1m), got "2m"',
  ],
  [
    'health: { readiness: { runs: 1s, path: /x } }',
    '6:34: services.mailer.health.readiness.runs: expected one of runs, path, url, tcp and command, got "1s"',
  ],
] as const)
  test(`refused: ${line}`, () => assert.deepEqual(problemsOf(file(line)), [`segue.yaml:${problem}`]));

test('refused: a limit beside drain, copies to a worker, another kind', () => {
  const within = file().replace('run: node x', 'run: { command: node x, stop: { within: 1s } }');
  assert.deepEqual(problemsOf(within), [
    'segue.yaml:5:37: services.mailer.run.stop.within: does not belong here: the drain of a worker says how long its jobs get',
  ]);
  const copies = `${file()}\n  web: { run: node y, traffic: { listen: 80, shadow: { to: mailer, percent: 5 } } }`;
  assert.deepEqual(problemsOf(copies), [
    'segue.yaml:6:60: services.web.traffic.shadow.to: copies are requests, and mailer is a worker',
  ]);
  assert.deepEqual(problemsOf(file().replace('kind: worker', 'kind: job')), [
    'segue.yaml:4:11: services.mailer.kind: expected web or worker, got "job"',
  ]);
});

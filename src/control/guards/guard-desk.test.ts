/**
 * Hunts guards that ask for the wrong version, send more than they may, go on after their release, give a secret
 * away, or mix up the two sides. Real servers and processes of sources; only time is moved by hand.
 */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { portOf } from '../../../test/contract/some-port.ts';
import { Chance } from '../../../test/support/chance.ts';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { releaseOf } from '../../../test/support/release-records.ts';
import { serviceSpec } from '../../../test/support/service-spec.ts';
import type { GuardChoices, MetricChoice } from '../../core/judge/guard-choices.ts';
import type { GuardRecords } from '../../core/judge/guard-records.ts';
import { DEFAULT_JUDGE } from '../../core/judge/rules.ts';
import type { GuardFinding } from '../../core/judge/verdict.ts';
import type { InstanceRecord } from '../../core/release/records.ts';
import { systemClock } from '../../drivers/clock/system.ts';
import { JsonMetrics } from '../../drivers/metrics/json/json-metrics.ts';
import { PrometheusMetrics } from '../../drivers/metrics/prometheus/prometheus-metrics.ts';
import { DirectProber } from '../../drivers/prober/direct/prober.ts';
import type { Usage } from '../../ports/runtime.ts';
import type { CrashNotice } from '../crashes.ts';
import { GuardDesk } from './guard-desk.ts';
import type { GuardParts } from './guard-source.ts';
import { refuseMissingHeaders } from './metric-headers.ts';

const { rules: RULES } = DEFAULT_JUDGE;

async function serve(t: TestContext, answer: (request: IncomingMessage) => string | number): Promise<number> {
  const server: Server = createServer((request, response) => {
    const said = answer(request);
    if (typeof said === 'number') response.writeHead(said).end();
    else response.end(said);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return portOf(server.address());
}

function instance(id: string, version: string, release: string, port: number): InstanceRecord {
  return {
    ...{ id, service: 'web', version, release, phase: 'running', host: '127.0.0.1', port },
    ...{ secretHash: '', mark: null, wasReady: true, ready: true, crashes: 0, createdAtMs: 0 },
  };
}

interface Scene {
  readonly choices: Partial<GuardChoices>;
  readonly instances?: readonly InstanceRecord[];
  readonly usage?: () => ReadonlyMap<string, Usage>;
  readonly requests?: () => number;
  readonly before?: GuardRecords | null;
}

function watching(t: TestContext, { choices, instances = [], usage, requests, before }: Scene) {
  const clock = new FakeClock();
  const chance = new Chance(7);
  const crashed = new Set<(notice: CrashNotice) => void>();
  const unready = new Set<string>();
  const counts = () => instances.map(({ id }) => ({ instance: id, requests: requests?.() ?? 0 }));
  const parts = {
    ports: {
      clock,
      environment: { TOKEN: 'Bearer s3cret' },
      metrics: {
        prometheus: new PrometheusMetrics({ clock: systemClock }),
        json: new JsonMetrics({ clock: systemClock }),
      },
      plane: { report: () => ({ instances: counts() }) },
      prober: new DirectProber({ clock: systemClock }),
      random: { hex: () => chance.below(256).toString(16) },
      runtime: { usage: () => Promise.resolve(usage?.() ?? new Map<string, Usage>()) },
    },
    ledger: { instances, instance: (id: string) => instances.find((each) => each.id === id) },
    fleet: {
      health: () => ({ trouble: null, upMs: 0, checks: { count: 0, tookMs: 0 } }),
      isReady: (id: string) => !unready.has(id),
      onCrash: (listener: (notice: CrashNotice) => void) => {
        crashed.add(listener);
        return () => crashed.delete(listener);
      },
    },
  } as unknown as GuardParts;
  const desk = new GuardDesk(parts);
  t.after(() => desk.close());
  const order = {
    ...{ release: releaseOf('done'), service: serviceSpec(), rules: RULES },
    choices: { metrics: {}, saturation: null, probes: null, ...choices },
    before: () => before ?? null,
  };
  let stage = 1;
  const findings = (): readonly GuardFinding[] => desk.findings({ ...order, stage });
  const beginStage = () => (stage += 1);
  /** Lets time pass in steps until it holds. */
  const until = async (condition: () => boolean, stepMs = 100): Promise<void> => {
    const giveUpMs = systemClock.monotonicMs() + 20_000;
    while (!condition()) {
      assert.ok(systemClock.monotonicMs() < giveUpMs, `still: ${JSON.stringify(findings())}`);
      await clock.advance(stepMs);
      await sleep(1);
    }
  };
  findings();
  return { desk, clock, crashed, unready, findings, beginStage, until };
}

const jsonMetric = (port: number, change: Partial<MetricChoice> = {}): MetricChoice => ({
  origin: {
    type: 'json',
    url: `http://127.0.0.1:${port}/?service={{service}}&version={{version}}&stable={{stableVersion}}`,
    value: ['n'],
    headers: { authorization: 'env:TOKEN' },
  },
  ...{ everyMs: 1_000, timeoutMs: 20_000, overMs: 0 },
  rule: { type: 'bound', min: null, max: 5, readings: 2 },
  ...change,
});

const wordOf = (findings: readonly GuardFinding[], guard: string) =>
  findings.find((finding) => finding.guard === guard)?.verdict;

test('a metric is asked for the candidate, with the value of its header from the environment', async (t) => {
  const asked: (string | undefined)[][] = [];
  const port = await serve(t, ({ url, headers }) => {
    asked.push([url, headers.authorization]);
    return '{"n":7}';
  });
  const { findings, until } = watching(t, { choices: { metrics: { stock: jsonMetric(port) } } });
  await until(() => wordOf(findings(), 'metric stock') === 'worse');
  assert.deepEqual(asked[0], ['/?service=web&version=v2&stable=v1', 'Bearer s3cret']);
  assert.equal(findings()[0]?.proof, '7, not at most 5; 2 of 2 in a row: 7, 7');
});

test('a compared metric is asked for both sides, and their instances are told apart', async (t) => {
  const queries: string[] = [];
  const port = await serve(t, ({ url }) => {
    const query = new URL(url ?? '', 'http://a').searchParams.get('query') ?? '';
    queries.push(query);
    const value = query.includes('v2') ? '10' : '1';
    return `{"status":"success","data":{"resultType":"scalar","result":[1,"${value}"]}}`;
  });
  const query = 'sum(a{version="{{version}}",instance=~"{{addresses}}",id=~"{{instances}}"})';
  const metric: MetricChoice = {
    ...jsonMetric(port),
    origin: { type: 'prometheus', url: `http://127.0.0.1:${port}`, query, headers: {} },
    rule: { type: 'compare', tolerate: 1.2, worse: 'higher', negligible: 0 },
  };
  const instances = [
    instance('web-r1-1', 'v1', 'r1', 1001),
    instance('web-r1-2', 'v1', 'r1', 1002),
    instance('web-r2-1', 'v2', 'r2', 1003),
    instance('web-r2-2', 'v1', 'r2', 1004),
  ];
  const { findings, until } = watching(t, { choices: { metrics: { load: metric } }, instances });
  await until(() => wordOf(findings(), 'metric load') === 'worse');
  const stables = String.raw`127[.]0[.]0[.]1:1001|127[.]0[.]0[.]1:1002|127[.]0[.]0[.]1:1004`;
  assert.deepEqual(queries.slice(0, 2).toSorted(), [
    `sum(a{version="v1",instance=~"${stables}",id=~"web-r1-1|web-r1-2|web-r2-2"})`,
    `sum(a{version="v2",instance=~"127[.]0[.]0[.]1:1003",id=~"web-r2-1"})`,
  ]);
  assert.match(findings()[0]?.proof ?? '', /^10, stable 1; more than 1.2x above it in \d+ of \d+$/);
});

test('what cannot be asked holds, and says why without the secret', async (t) => {
  const port = await serve(t, () => 503);
  const origin = { ...jsonMetric(port).origin, headers: { authorization: 'env:MISSING' } };
  const metrics = {
    down: jsonMetric(port),
    unset: jsonMetric(port, { origin }),
    nobody: jsonMetric(port, { origin: { ...origin, headers: {}, url: `${origin.url}&i={{instances}}` } }),
  };
  const { findings, until } = watching(t, { choices: { metrics } });
  await until(() => findings().every(({ proof }) => proof !== 'no value yet'));
  assert.ok(findings().every(({ verdict, role }) => verdict === 'not-enough-evidence' && role === 'gate'));
  assert.deepEqual(
    findings().map(({ proof }) => proof),
    [
      `no value yet: 127.0.0.1:${port} answered 503`,
      "no value yet: MISSING is not in control's environment",
      'no value yet: there is nothing to put for {{instances}} now',
    ],
  );
});

test('a header that has no value is missed before a release begins', () => {
  const spec = (metric: MetricChoice) =>
    serviceSpec({
      judge: { ...DEFAULT_JUDGE, guards: { metrics: { stock: metric }, saturation: null, probes: null } },
    });
  assert.throws(() => refuseMissingHeaders({}, spec(jsonMetric(1))), {
    code: 'ENVIRONMENT_VALUE_MISSING',
    detail: 'services.web.judge.metrics.stock.headers needs TOKEN.',
  });
  refuseMissingHeaders({ TOKEN: 'x' }, spec(jsonMetric(1)));
  refuseMissingHeaders({}, serviceSpec({ judge: null }));
});

test('a stage earns its own promotion, and guards end with their release', async (t) => {
  let asked = 0;
  const port = await serve(t, () => {
    asked += 1;
    return '{"n":1}';
  });
  const scene = watching(t, { choices: { metrics: { stock: jsonMetric(port) } } });
  const { desk, clock, findings, beginStage, until } = scene;
  await until(() => wordOf(findings(), 'metric stock') === 'better-or-same');
  beginStage();
  assert.equal(wordOf(findings(), 'metric stock'), 'not-enough-evidence');
  await until(() => wordOf(findings(), 'metric stock') === 'better-or-same');
  desk.end('r2');
  const before = asked;
  await clock.advance(60_000);
  assert.ok(asked <= before + 1, 'nobody asks any more');
});

test('usage of both sides is read, and restarts are counted for the side that they are of', async (t) => {
  let at = 0;
  const usage = () => {
    at += 1;
    const of = (cpuMs: number) => ({ cpuMs, rssBytes: 1024 ** 2 });
    return new Map([
      ['web-r1-1', of(at * 100)],
      ['web-r2-1', of(at * 9_000)],
    ]);
  };
  const instances = [instance('web-r1-1', 'v1', 'r1', 1), instance('web-r2-1', 'v2', 'r2', 2)];
  const saturation = {
    ...{ everyMs: 10_000, warmupMs: 0, cpu: 2, memory: 2 },
    ...{ memoryMaxBytes: null, growthBytesPerHour: null, restarts: 1, delay: null },
  };
  const scene = watching(t, { choices: { saturation }, instances, usage, requests: () => at * 100 });
  const { clock, crashed, desk, findings, until } = scene;
  await until(() => wordOf(findings(), 'cpu') === 'worse', 10_000);
  assert.equal(wordOf(findings(), 'memory'), 'not-enough-evidence');
  const crash = (id: string) => {
    const place = instances.findIndex((each) => each.id === id);
    const record = instances[place];
    if (record) instances[place] = { ...record, restarts: (record.restarts ?? 0) + 1 };
    for (const tell of crashed) tell({ id, crashes: 1, error: { code: 'CRASH_LOOP', detail: '' } });
  };
  for (const id of ['web-r1-1', 'web-r2-1', 'web-r2-1', 'elsewhere']) crash(id);
  await clock.advance(1_000);
  assert.equal(wordOf(findings(), 'restarts'), 'not-enough-evidence');
  crash('web-r2-1');
  await until(() => wordOf(findings(), 'restarts') === 'worse');
  desk.close();
  assert.equal(crashed.size, 0);
});

test('probes go to both sides, labelled, at no more than their rate, and stop with their release', async (t) => {
  const seen: IncomingMessage[] = [];
  const sides = { v1: 0, v2: 0 };
  const app = (version: 'v1' | 'v2', status: string | number) =>
    serve(t, (request) => {
      seen.push(request);
      sides[version] += 1;
      return status;
    });
  const stablePort = await app('v1', 'ok');
  const candidatePort = await app('v2', 500);
  const instances = [
    instance('web-r1-1', 'v1', 'r1', stablePort),
    instance('web-r2-1', 'v2', 'r2', candidatePort),
  ];
  const request = {
    ...({ type: 'http', method: 'GET', path: '/page', headers: { 'x-a': '1' }, body: null } as const),
    ...{ expect: { status: null, contains: null, headers: {} }, timeoutMs: 20_000 },
  };
  const probes = { requests: [request], perSecond: 10, promote: false };
  const { clock, desk, findings, until, unready } = watching(t, { choices: { probes }, instances });
  await until(() => wordOf(findings(), 'probes') === 'worse');
  const sent = clock.monotonicMs() / 100 + 1;
  assert.ok(seen.length <= sent, `${seen.length} of at most ${sent}`);
  assert.ok(sides.v1 > 0 && sides.v2 > 0);
  const [one] = seen;
  assert.deepEqual([one?.url, one?.headers['segue-probe'], one?.headers['x-a']], ['/page', '1', '1']);
  assert.match(one?.headers['user-agent'] ?? '', /^segue-probe\//);

  unready.add('web-r1-1');
  const before = seen.length;
  await clock.advance(10_000);
  assert.ok(seen.length <= before + 1, 'with nobody on one side there is nothing to compare');
  unready.clear();
  desk.end('r2');
  await clock.advance(10_000);
  await sleep(20);
  assert.ok(seen.length <= before + 2, 'nothing is sent after the end');
});

test('another desk goes on with what was written down, and a stage that began meanwhile begins anew', async (t) => {
  let value = 1;
  const port = await serve(t, () => `{"n":${value}}`);
  const metrics = { stock: jsonMetric(port) };
  const first = watching(t, { choices: { metrics } });
  await first.until(() => wordOf(first.findings(), 'metric stock') === 'better-or-same');
  const records = first.desk.records('r2');
  assert.equal(records?.stage, 1);
  const before: GuardRecords = JSON.parse(JSON.stringify(records));
  first.desk.close();

  value = 9;
  const second = watching(t, { choices: { metrics }, before });
  assert.deepEqual(second.desk.records('r2'), before);
  await second.until(() => wordOf(second.findings(), 'metric stock') === 'worse');
  second.desk.close();

  const third = watching(t, { choices: { metrics }, before });
  third.beginStage();
  third.findings();
  assert.equal(
    third.desk.records('r2')?.metrics['stock']?.run,
    null,
    'what was good was so in another stage',
  );
});

/**
 * Hunts candidates that are bad where users' requests do not show it: an outside metric, a leak, a busy loop, restarts;
 * a source of metrics that is away and ends or passes a release; and probes that promote, or that users are blamed for.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { it, type TestContext } from 'node:test';
import type { EvidenceRecord } from '../../src/core/judge/evidence.ts';
import { evidenceOfOftenWorse } from '../../src/core/judge/pairs.ts';
import { causeOf, type ReleaseRecord } from '../../src/core/release/records.ts';
import { JOURNAL } from '../../src/wire/paths.ts';
import { portOf, somePort } from '../contract/some-port.ts';
import { assertEnded } from '../support/outcome.ts';
import { noPrometheus, startPrometheus } from '../support/prometheus.ts';
import { plainLoad } from '../support/steady-load.ts';
import { TestProject } from '../support/test-project.ts';
import { ask } from '../integration/gateway-harness.ts';

interface Scene {
  readonly strategy: string;
  /** Lines of YAML in braces. */
  readonly judge: string;
  readonly candidate?: Readonly<Record<string, unknown>>;
}

async function serving(t: TestContext, { strategy, judge, candidate = {} }: Scene): Promise<TestProject> {
  const project = await TestProject.create({
    instances: 1,
    service: `    strategy: ${strategy}\n    judge: ${judge}`,
  });
  t.after(() => project.remove());
  await project.up();
  await project.build('v1');
  await project.build('v2', candidate);
  assertEnded(await project.deploy('v1'), 'done');
  return project;
}

/** A gentle load: what is judged here does not need much. */
const users = (t: TestContext, { port }: TestProject) =>
  plainLoad(t, port, [{ kind: 'keep-alive', method: 'GET', path: '/', count: 2, thinkMs: 10 }]);

function assertTakenBack(release: ReleaseRecord, proof: RegExp): void {
  assertEnded(release, 'rolled-back');
  const cause = causeOf(release);
  assert.equal(cause?.code, 'CANDIDATE_WORSE');
  assert.match(cause.detail, proof);
}

const HOLDS = '{ type: canary, steps: [{ weight: 20, for: 1h }] }';
const UNTIL_EVIDENCE = '{ type: canary, steps: [{ weight: 50, until: evidence }], bake: 100ms }';
const NO_SATURATION = 'saturation: off';

it(
  'a metric in Prometheus that goes bad takes the candidate back, by its name',
  { skip: noPrometheus },
  async (t) => {
    let share = 0.01;
    const exporter = createServer((_, response) =>
      response.end(`shop_checkout_errors{version="v1"} 0.01\nshop_checkout_errors{version="v2"} ${share}\n`),
    ).listen(0, '127.0.0.1');
    await once(exporter, 'listening');
    t.after(() => exporter.close());
    const prometheus = await startPrometheus(t, portOf(exporter.address()));
    const query = 'max(shop_checkout_errors{version="{{version}}"})';
    const metric = `{ prometheus: "${prometheus}", query: '${query}', every: 200ms, max: 0.05 }`;
    const judge = `{ metrics: { checkout_errors: ${metric} }, ${NO_SATURATION} }`;
    const project = await serving(t, { strategy: HOLDS, judge });
    users(t, project);
    const id = await project.begin('v2');
    const isFine = await project.eventually(async () => {
      const { judging } = await project.release(id);
      return judging?.judgement.guards.some(({ verdict }) => verdict === 'better-or-same') ?? false;
    });
    assert.ok(isFine, 'the metric is read and within its bound');
    share = 0.4;
    assertTakenBack(
      await project.ended(id),
      /metric checkout_errors: 0.4, not at most 0.05; 3 of 3 in a row/,
    );
  },
);

it('a source of metrics that is away holds the release, and is shown (R8)', async (t) => {
  const metric = `{ json: "http://127.0.0.1:${await somePort()}/", value: errors, every: 200ms, max: 0.05 }`;
  const judge = `{ errors: { negligible: 5% }, metrics: { away: ${metric} }, ${NO_SATURATION} }`;
  const project = await serving(t, { strategy: UNTIL_EVIDENCE, judge });
  users(t, project);
  const id = await project.begin('v2');
  const isAlone = await project.eventually(async () => {
    const { judging } = await project.release(id);
    const errors = judging?.judgement.findings.find(({ guard }) => guard === 'errors');
    return errors?.verdict === 'better-or-same';
  });
  assert.ok(isAlone, 'by the requests of users it could go on');
  const { judging, release } = await project.release(id);
  assert.equal(judging?.judgement.verdict, 'not-enough-evidence');
  assert.match(judging.judgement.guards[0]?.proof ?? '', /^no value yet: connection refused on 127/);
  assert.equal(release.endedAtMs, null);
  await project.abort();
  assertEnded(await project.ended(id), 'rolled-back');
});

it('a killed control leaves what its guards had gathered to the next one', async (t) => {
  const asked = { v1: 0, v2: 0 };
  // Half of what it takes, and then nothing for as long as it is looked at.
  let answersMax = 6;
  const source = createServer(({ url }, response) => {
    const version = url === '/v2' ? 'v2' : 'v1';
    if (asked[version] >= answersMax) return response.writeHead(503).end();
    asked[version] += 1;
    return response.end(`{"n":${version === 'v2' ? 9 : 1}}`);
  }).listen(0, '127.0.0.1');
  await once(source, 'listening');
  t.after(() => source.close());
  const url = `http://127.0.0.1:${portOf(source.address())}/{{version}}`;
  const metric = `{ json: "${url}", value: n, every: 200ms, compare: { tolerate: 2x } }`;
  const judge = `{ metrics: { slow: ${metric} }, ${NO_SATURATION} }`;
  const project = await serving(t, { strategy: HOLDS, judge });
  users(t, project);
  const id = await project.begin('v2');
  const isWritten = () => writtenDown(project).guards?.metrics['slow']?.release.all === 6;
  assert.ok(await project.eventually(isWritten));
  const logNow = async () => (await project.release(id)).judging?.judgement.guards[0]?.worse?.log;
  const gathered = evidenceOfOftenWorse({ all: 6, worse: 6 });
  assert.ok(gathered > 1, `${gathered}`);
  // What is shown is judged a moment after it was read.
  assert.ok(await project.eventually(async () => (await logNow()) === gathered));
  await project.killControl();
  await project.up();
  const isJudged = async () => (await project.release(id)).judging?.judgement.guards.length === 1;
  assert.ok(await project.eventually(isJudged));
  assert.equal(await logNow(), gathered);
  answersMax = Infinity;
  assertTakenBack(await project.ended(id), /metric slow: 9, stable 1; more than 2x above it in (\d+) of \1/);
});

/** Of the release under way. */
function writtenDown({ root }: TestProject): EvidenceRecord {
  const database = new DatabaseSync(path.join(root, JOURNAL), { readOnly: true });
  const row = database.prepare('SELECT data FROM evidence').get();
  database.close();
  return JSON.parse(String(row?.['data'] ?? '{}'));
}

it('a leak is found in the bake, while no request fails', async (t) => {
  const judge = '{ saturation: { growth: 50MB/h, every: 100ms, warmUp: 0s, memory: off, cpu: off } }';
  const project = await serving(t, {
    strategy: '{ type: blue-green, bake: 1h }',
    judge,
    candidate: { leaksMegabytesPerSecond: 20 },
  });
  users(t, project);
  const release = await project.deploy('v2');
  assertTakenBack(release, /memory growth: .*GB\/h \(.*\), 50 MB\/h tolerated/);
  assert.equal(release.receipt?.failed, 0);
});

it('a busy loop is found by what it costs, beside stable', async (t) => {
  const judge = '{ saturation: { every: 1s, warmUp: 0s, memory: off } }';
  const project = await serving(t, { strategy: HOLDS, judge, candidate: { burns: true } });
  users(t, project);
  assertTakenBack(await project.deploy('v2'), /cpu: .* of a core per request, stable .*; more than 2x in/);
});

it('restarts of the candidate beyond what is allowed take it back', async (t) => {
  const judge = '{ saturation: { restarts: 0, cpu: off, memory: off } }';
  const project = await serving(t, { strategy: HOLDS, judge });
  const id = await project.begin('v2');
  const isJudged = await project.eventually(async () => (await project.release(id)).judging !== null);
  assert.ok(isJudged);
  const candidate = (await project.web()).instances.find(({ version }) => version === 'v2');
  assert.ok(candidate);
  await ask(candidate.port, { path: '/crash' }).catch(() => undefined);
  assertTakenBack(await project.ended(id), /restarts: web-r2-1 1 restart, stable's at most 0; 0 tolerated/);
});

it('probes alone find a bad candidate where there are no users, and nobody counts them', async (t) => {
  const judge = `{ probes: { requests: [{ get: / }], perSecond: 20 }, ${NO_SATURATION} }`;
  const project = await serving(t, { strategy: HOLDS, judge, candidate: { broken: true } });
  const release = await project.deploy('v2');
  assertTakenBack(
    release,
    /probes: candidate failed \d+ of \d+ \(GET \/ answered 500: .*\), stable 0 of \d+/,
  );
  assert.equal(release.receipt?.answered, 0);
  assert.ok((await probed(project)) > 0, 'stable was probed, with the label');
});

/** As the instance that gets requests counted them. */
const probed = async ({ port }: TestProject) =>
  Number((await ask(port, { path: '/probed' })).body.toString());

it('probes vouch for a candidate without users only where the file lets them', async (t) => {
  const judge = (promote: boolean) =>
    `{ errors: { negligible: 20% }, probes: { requests: [{ get: / }], perSecond: 50, promote: ${promote} }, ${NO_SATURATION} }`;
  const project = await serving(t, { strategy: UNTIL_EVIDENCE, judge: judge(false) });
  const id = await project.begin('v2');
  const isSame = await project.eventually(async () => {
    const { judging } = await project.release(id);
    return judging?.judgement.guards.some(({ verdict }) => verdict === 'better-or-same') ?? false;
  });
  assert.ok(isSame, 'probes found it as good');
  assert.equal((await project.release(id)).judging?.judgement.verdict, 'not-enough-evidence');
  await project.killControl();
  const before = await probed(project);
  await project.up();
  assert.ok(
    await project.eventually(async () => (await probed(project)) > before),
    'the next control goes on',
  );
  await project.abort();
  assertEnded(await project.ended(id), 'rolled-back');
  await project.writeFile({
    instances: 1,
    service: `    strategy: ${UNTIL_EVIDENCE}\n    judge: ${judge(true)}`,
  });
  await project.build('v3');
  const release = await project.deploy('v3');
  assertEnded(release, 'done');
  assert.equal(release.receipt?.answered, 0);
});

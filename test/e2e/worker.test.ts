/**
 * Hunts releases of workers that lose a job or have it done twice, let two versions meet that must not (R10), cut a job
 * short of its limit, keep a version that is bad, or tell a worker to stop twice, which many take for "at once".
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { causeOf, type ReleaseRecord } from '../../src/core/release/records.ts';
import { portOf } from '../contract/some-port.ts';
import { JobQueue } from '../support/job-queue.ts';
import { assertEnded } from '../support/outcome.ts';
import { instancesUnder } from '../support/processes.ts';
import { TestProject } from '../support/test-project.ts';

interface Choice {
  readonly strategy?: string;
  readonly drain?: string;
  readonly instances?: number;
  readonly readiness?: string;
  readonly more?: string;
}

const linesOf = ({
  strategy = 'rolling',
  drain = '60s',
  instances = 1,
  readiness = '{ runs: 100ms, interval: 50ms, within: 20s }',
  more = '',
}: Choice) => `    drain: ${drain}
    instances: ${instances}
    strategy: ${strategy}
    health: { readiness: ${readiness} }
    ${more}`;

describe('a worker', () => {
  let project: TestProject;
  let queue: JobQueue;
  let versions = 0;
  before(async () => {
    project = await TestProject.create({ worker: linesOf({}) });
    queue = new JobQueue(path.join(project.root, 'queue'));
    await project.up();
    assertEnded(await deploy(), 'done');
  });
  after(() => {
    queue.stop();
    return project.remove();
  });
  beforeEach(async () => {
    queue.forgetMeetings();
    await use({});
  });

  async function use(choice: Choice): Promise<void> {
    await project.writeFile({ worker: linesOf(choice) });
    await project.api('POST', '/v1/apply', { by: 'test' });
  }

  /** A version of its own, with this behaviour. */
  async function begin(behaviour: Readonly<Record<string, unknown>> = {}): Promise<string> {
    versions += 1;
    const version = `v${versions}`;
    await project.build(version, { queue: path.join(project.root, 'queue'), ...behaviour });
    return project.begin(version);
  }

  const deploy = async (behaviour: Readonly<Record<string, unknown>> = {}): Promise<ReleaseRecord> =>
    project.ended(await begin(behaviour));

  const stepIs = (words: string) => async () =>
    (await project.web()).release?.step?.startsWith(words) ?? false;

  async function assertAllWork(version: string): Promise<void> {
    assert.ok(await project.eventually(() => project.allServe()), JSON.stringify(await project.web()));
    assert.equal((await project.web()).stable, version);
    queue.stop();
    assert.ok(await project.eventually(() => queue.isEmpty));
    queue.assertEachDoneOnce();
    assert.equal((await instancesUnder(project.root)).length, (await project.web()).wanted);
  }

  const notesOf = async (release: string, kind: string): Promise<string[]> => {
    const { entries } = await project.release(release);
    return entries.flatMap(({ fact }) => (fact.kind === kind && 'how' in fact ? [fact.how] : []));
  };

  it('is replaced with no job lost and none done twice: the new one starts, then the old one is told', async () => {
    queue.feed();
    await use({ instances: 2 });
    const release = await deploy();
    assertEnded(release, 'done');
    assert.equal(release.receipt, null, 'there are no requests to count');
    assertEnded(await project.rollback(), 'done');
    const { kind, listen, instances } = await project.web();
    assert.deepEqual([kind, listen], ['worker', null]);
    assert.deepEqual(new Set(instances.map(({ traffic }) => traffic)), new Set(['working']));
    await assertAllWork('v1');
    assert.ok(queue.met, 'the old one worked until the new one was ready');
    assert.deepEqual([...new Set(queue.done.map(({ version }) => version))].toSorted(), ['v1', 'v2']);
    assert.equal(new Set(queue.told).size, queue.told.length, 'each was told once');
  });

  it('never meets its other version under handover, forward, back and when the new one fails', async () => {
    await use({ strategy: 'handover' });
    queue.feed();
    assertEnded(await deploy(), 'done');
    assertEnded(await project.rollback(), 'done');
    await use({ strategy: 'handover', readiness: '{ runs: 10s, interval: 50ms, within: 20s }' });
    assertEnded(await deploy({ exitAfterMs: 20 }), 'rolled-back');
    const version = (await project.web()).stable ?? '';
    await assertAllWork(version);
    assert.equal(queue.met, false);
  });

  it('gets the whole limit for the job that it has, as the file says now', async () => {
    await use({ drain: '1s' });
    assertEnded(await deploy(), 'done');
    const job = queue.put(3_000);
    assert.ok(await project.eventually(() => queue.doing.includes(job)));
    await use({ drain: '60s' });
    const release = await deploy();
    assertEnded(release, 'done');
    const [how] = await notesOf(release.id, 'instance-stopped');
    assert.match(how ?? '', /^ended [\d.]+m?s after SIGTERM$/);
    await assertAllWork(release.to);
  });

  it('is killed when its jobs are not done within the limit, and the journal says so', async () => {
    assertEnded(await deploy({ ignoresSigterm: true }), 'done');
    await use({ drain: '500ms' });
    const release = await deploy();
    assertEnded(release, 'done');
    const [how] = await notesOf(release.id, 'instance-stopped');
    assert.match(how ?? '', /^killed: it had jobs [\d.]+m?s after SIGTERM$/);
    await assertAllWork(release.to);
  });

  it('is told once, and waited for, when control is killed while it has a job', async () => {
    const job = queue.putEndless();
    assert.ok(await project.eventually(() => queue.doing.includes(job)));
    const told = queue.told.length;
    const release = await begin();
    assert.ok(await project.eventually(() => queue.told.length > told));
    await project.killControl();
    await project.up();
    const asked = async () => {
      const { entries } = await project.release(release);
      return entries.filter(({ fact }) => fact.kind === 'instance-stopping').length === 2;
    };
    assert.ok(await project.eventually(asked), 'the new control takes up the end of it');
    assert.ok(!(await project.eventually(() => queue.told.length > told + 1, 300)), 'it is told again');
    assert.deepEqual(queue.doing, [job]);
    queue.go();
    assertEnded(await project.ended(release), 'done');
    await assertAllWork(`v${versions}`);
  });

  it('that is told to stop ends in peace while the release goes back, and nothing begins beside it', async () => {
    await use({ strategy: 'handover' });
    const { stable } = await project.web();
    const job = queue.putEndless();
    assert.ok(await project.eventually(() => queue.doing.includes(job)));
    const release = await begin();
    assert.ok(await project.eventually(stepIs('tell ')));
    await project.abort();
    assert.ok(
      await project.eventually(async () => (await project.release(release)).release.state.phase === 'back'),
    );
    assert.deepEqual(queue.doing, [job], 'the way back did not wait for the job to begin');
    const beside = async () => (await instancesUnder(project.root)).length > 1;
    assert.ok(!(await project.eventually(beside, 500)), 'something began beside it');
    queue.go();
    assertEnded(await project.ended(release), 'rolled-back');
    assert.deepEqual(queue.doing, []);
    await assertAllWork(stable ?? '');
    assert.equal(queue.met, false);
  });

  it('is not replaced by one that is never ready, fails its smoke test, or cannot do the work', async () => {
    const { stable, instances } = await project.web();
    const pids = instances.map(({ pid }) => pid);
    queue.feed();
    await use({ readiness: '{ command: "false", interval: 50ms, within: 1s }' });
    const unready = await deploy();
    assertEnded(unready, 'rolled-back');
    assert.equal(causeOf(unready)?.code, 'INSTANCE_NOT_READY');
    await use({ more: 'smoke: [{ command: "exit 3" }]' });
    const untested = await deploy();
    assertEnded(untested, 'rolled-back');
    assert.match(causeOf(untested)?.detail ?? '', /^On mailer-r\d+-1: /);
    await use({ strategy: '{ type: blue-green, bake: 1h }', readiness: '{ runs: 1ms, interval: 50ms }' });
    const unable = await deploy({ crashesAtWork: true });
    assertEnded(unable, 'rolled-back');
    assert.match(causeOf(unable)?.detail ?? '', /more than this version can do/);
    await use({});
    assert.deepEqual(
      (await project.web()).instances.map(({ pid }) => pid),
      pids,
      'stable was left alone',
    );
    await assertAllWork(stable ?? '');
  });

  it('is judged at work: a metric that goes bad, or a leak, takes it back during its bake', async (t) => {
    let age = 1;
    const source = createServer((_, response) => response.end(JSON.stringify({ age }))).listen(
      0,
      '127.0.0.1',
    );
    await once(source, 'listening');
    t.after(() => source.close());
    const metric = `{ json: "http://127.0.0.1:${portOf(source.address())}/", value: age, every: 100ms, max: 5 }`;
    const bake = '{ type: rolling, bake: 1h }';
    const { stable } = await project.web();
    queue.feed();
    await use({ strategy: bake, more: `judge: { metrics: { job_age: ${metric} }, saturation: off }` });
    const id = await begin();
    const isFine = async () =>
      (await project.release(id)).judging?.judgement.guards.some((g) => g.verdict === 'better-or-same') ??
      false;
    assert.ok(await project.eventually(isFine), 'it is asked');
    age = 90;
    const late = await project.ended(id);
    assert.equal(causeOf(late)?.code, 'CANDIDATE_WORSE');
    assert.match(causeOf(late)?.detail ?? '', /metric job_age: 90, not at most 5/);
    await use({
      strategy: bake,
      more: 'judge: { saturation: { memoryMax: 200MB, memory: off, warmUp: 0, every: 1s } }',
    });
    const leaks = await deploy({ leaksMegabytesPerSecond: 200 });
    assert.equal(causeOf(leaks)?.code, 'CANDIDATE_WORSE');
    assert.match(causeOf(leaks)?.detail ?? '', /memory ceiling: mailer-/);
    await assertAllWork(stable ?? '');
  });

  it('rests with its job done, and comes back', async () => {
    const { stable } = await project.web();
    const job = queue.put(1_500);
    assert.ok(await project.eventually(() => queue.doing.includes(job)));
    await project.down();
    assert.ok(queue.isEmpty, 'down waited for the job');
    assert.ok(await project.eventually(async () => (await instancesUnder(project.root)).length === 0));
    await project.up();
    await assertAllWork(stable ?? '');
  });

  it('stays a worker', async () => {
    const text = 'project: test\nservices: { mailer: { run: node x, traffic: { listen: "127.0.0.1:1" } } }\n';
    await writeFile(path.join(project.root, 'segue.yaml'), text);
    await assert.rejects(project.api('POST', '/v1/apply', { by: 'test' }), /KIND_CHANGED/);
    await assert.rejects(begin(), /KIND_CHANGED/);
    await use({});
    assert.ok(await project.eventually(() => project.allServe()));
  });
});

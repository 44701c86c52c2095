/**
 * The ways in which requests get lost around a release, each with a required loss of zero on the whole system,
 * by clients that do not retry; and where it is cheap the naive way first, to show that the clients would see
 * the loss. The rows are those that other gateways and deployers are known for:
 *   3  an instance is killed with requests in flight
 *   5  drain, a moment, then kill: the default order, POST included and without a retry
 *   6  a reload of a program without signal handling, again and again
 *   7  a boot that takes longer than it may: the old instances are retired all the same
 *   8  the signal comes before the route is removed
 *   9  the instance gives up idle connections sooner than the gateway
 */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { eventually } from '../contract/eventually.ts';
import { assertEnded } from '../support/outcome.ts';
import { instancesUnder } from '../support/processes.ts';
import { assertClean, plainLoad, slowPosts, steadyLoad } from '../support/steady-load.ts';
import { TestProject } from '../support/test-project.ts';

describe('requests around the end of an instance', () => {
  let project: TestProject;
  before(async () => {
    project = await TestProject.create({ stopWithin: '300ms' });
    await project.up();
    await project.build('v1');
    await project.deploy('v1');
  });
  after(() => project.remove());

  async function releaseCleanly(t: TestContext, version: string): Promise<void> {
    const loads = [steadyLoad(t, project.port), slowPosts(t, project.port)];
    const release = await project.deploy(version);
    assertEnded(release, 'done');
    for (const load of loads) await assertClean(load, 5);
    assert.equal(release.receipt?.failed, 0);
    assert.equal(
      release.receipt?.retried,
      0,
      'zero because nothing went wrong, not because it was sent again',
    );
  }

  /** Clients must lose something when an instance that is at work gets this signal straight away. */
  async function assertLoss(t: TestContext, signal: NodeJS.Signals): Promise<void> {
    const load = slowPosts(t, project.port);
    const busy = async () => (await project.web()).instances.find((i) => i.inFlight > 1)?.pid;
    const pid = await eventually('an instance is at work', busy);
    process.kill(pid, signal);
    const lost = await project.eventually(() => load.stats().failed > 0);
    await load.stop();
    assert.ok(lost, 'the clients see what a naive deployer loses');
    // One that outlives the signal would go on as it is.
    const left = (await instancesUnder(project.root)).find((instance) => instance.pid === pid);
    if (left) process.kill(left.pid, 'SIGKILL');
    const replaced = async () => (await project.web()).instances.every((i) => i.pid !== pid);
    assert.ok(await project.eventually(async () => (await replaced()) && (await project.allServe())));
  }

  it('row 3: a killed instance loses what it had under way, a released one nothing', async (t) => {
    await project.build('v3-frail', { diesOnSigterm: true });
    await releaseCleanly(t, 'v3-frail');
    await assertLoss(t, 'SIGKILL');
    await project.build('v3');
    await releaseCleanly(t, 'v3');
  });

  it('row 5: drained and then killed is no loss, POST included and without a retry', async (t) => {
    await project.build('v5-deaf', { ignoresSigterm: true });
    await releaseCleanly(t, 'v5-deaf');
    await project.build('v5');
    await releaseCleanly(t, 'v5');
    const ends = (await project.journal()).filter(({ fact }) => fact.kind === 'instance-stopped').slice(-2);
    for (const { fact } of ends) assert.ok(fact.kind === 'instance-stopped' && fact.how.startsWith('kill'));
  });

  it('row 6: three releases in a row of a program that dies of its signal at once', async (t) => {
    await project.build('v6-0', { diesOnSigterm: true });
    await releaseCleanly(t, 'v6-0');
    await assertLoss(t, 'SIGTERM');
    for (const version of ['v6-1', 'v6-2', 'v6-3']) {
      await project.build(version, { diesOnSigterm: true });
      await releaseCleanly(t, version);
    }
  });

  it('row 8: an instance that gets its signal gets no request after it', async (t) => {
    await project.build('v8-strict', { complainsAfterSigterm: true });
    await releaseCleanly(t, 'v8-strict');
    await assertLoss(t, 'SIGTERM');
    await project.build('v8');
    await releaseCleanly(t, 'v8');
    const routed = new Set<string>();
    for (const { fact } of await project.journal()) {
      if (fact.kind === 'routing-applied') {
        routed.clear();
        for (const id of fact.instances) routed.add(id);
      }
      if (fact.kind === 'instance-stopping')
        assert.ok(!routed.has(fact.instance), `${fact.instance} is signalled out of every routing (R2)`);
    }
  });
});

describe('row 7: a boot that takes its time', () => {
  let project: TestProject;
  before(async () => {
    // Without a place to wait in, a moment without an instance is a failed request.
    project = await TestProject.create({ traffic: ', hold: 0s' });
    await project.up();
    await project.build('v1');
    assertEnded(await project.deploy('v1'), 'done');
    await project.writeFile({ readyWithin: '1s', traffic: ', hold: 0s' });
  });
  after(() => project.remove());

  it('longer than it may: the old instances are not retired', async (t) => {
    const old = (await project.web()).instances.map((i) => i.pid);
    const load = steadyLoad(t, project.port);
    await project.build('late', { startAfterMs: 60_000 });
    const release = await project.deploy('late');
    const { versions } = await assertClean(load);
    assertEnded(release, 'rolled-back');
    assert.deepEqual(Object.keys(versions), ['v1']);
    assert.deepEqual(
      (await project.web()).instances.map((i) => i.pid),
      old,
    );
  });

  it('within its limit: the old instances serve until then', async (t) => {
    await project.writeFile({ readyWithin: '30s', traffic: ', hold: 0s' });
    const load = steadyLoad(t, project.port);
    await project.build('slow', { startAfterMs: 1_500 });
    assertEnded(await project.deploy('slow'), 'done');
    const { versions } = await assertClean(load);
    assert.deepEqual(Object.keys(versions), ['v1', 'slow']);
  });
});

describe('row 9: an instance that gives up idle connections soon', () => {
  let project: TestProject;
  const pausing = (t: TestContext, port: number, thinkMs: number) =>
    plainLoad(t, port, [
      { kind: 'keep-alive', method: 'POST', path: '/', body: 'order', count: 3, thinkMs },
      { kind: 'per-request', method: 'POST', path: '/', body: 'order', count: 3, thinkMs },
    ]);
  before(async () => {
    project = await TestProject.create({ instances: 1 });
    await project.up();
  });
  after(() => project.remove());

  it('at the very moment of the next request: lost on a direct connection, never through the gateway', async (t) => {
    await project.build('v1', { closesIdleAfterMs: 150 });
    await project.deploy('v1');
    const port = (await project.web()).instances[0]?.port ?? 0;
    const direct = pausing(t, port, 200);
    assert.ok(await project.eventually(() => (direct.stats().reasons['closed-idle'] ?? 0) > 0));
    await direct.stop();
    await throughGateway(t, 200);
  });

  it('by its own timer, while POSTs pause about as long', async (t) => {
    // As if its close crossed whatever comes in the second half of its limit, so that chance has no say.
    await project.build('v2', { keepAliveMs: 200, closesIdleAfterMs: 100 });
    await project.deploy('v2');
    for (const thinkMs of [150, 195, 200, 205]) await throughGateway(t, thinkMs);
  });

  async function throughGateway(t: TestContext, thinkMs: number): Promise<void> {
    await assertClean(pausing(t, project.port, thinkMs));
  }
});

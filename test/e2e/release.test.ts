/**
 * Hunts lost requests and wrong endings of whole releases with real processes: each strategy under clients
 * that do not retry, and every way in which a version can be bad.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { causeOf } from '../../src/core/release/records.ts';
import { somePort } from '../contract/some-port.ts';
import { outcomeOf } from '../support/outcome.ts';
import { instancesUnder, processesUnder } from '../support/processes.ts';
import { assertClean, plainLoad, steadyLoad } from '../support/steady-load.ts';
import { TestProject } from '../support/test-project.ts';

const STRATEGIES = {
  'rolling, one by one': 'rolling',
  'rolling without surge': '{ type: rolling, surge: 0, unavailable: 1 }',
  'blue-green': '{ type: blue-green, bake: 100ms }',
};

for (const [name, strategy] of Object.entries(STRATEGIES)) {
  describe(`${name}, under load`, () => {
    let project: TestProject;
    before(async () => {
      project = await TestProject.create({ instances: 3, service: `    strategy: ${strategy}` });
      await project.up();
      for (const version of ['v1', 'v2', 'v3']) await project.build(version);
      assert.equal(outcomeOf(await project.deploy('v1')), 'done');
    });
    after(() => project.remove());

    it('releases without a failed request, and the receipt agrees with the clients', async (t) => {
      const load = steadyLoad(t, project.port);
      const release = await project.deploy('v2');
      assert.equal(outcomeOf(release), 'done');
      assert.equal(release.receipt?.failed, 0);
      assert.equal(release.receipt?.refused, 0);
      assert.equal(release.receipt?.errors, 0);
      await assertClean(load);
      const [service] = (await project.status()).services;
      assert.equal(service?.stable, 'v2');
      assert.equal(service?.previous, 'v1');
      assert.equal((await instancesUnder(project.root)).length, 3);
    });

    it('rolls back by hand to the version before', async (t) => {
      const load = steadyLoad(t, project.port);
      const release = await project.rollback();
      assert.equal(outcomeOf(release), 'done');
      assert.equal(release.to, 'v1');
      await assertClean(load);
    });

    it('is taken back by abort at any moment, without a failed request', async (t) => {
      for (const afterMs of [0, 60, 150, 300, 450]) {
        const load = steadyLoad(t, project.port);
        const id = await project.begin('v3');
        await sleep(afterMs);
        const asked = await project.abort().then(
          () => true,
          () => false,
        );
        const release = await project.ended(id);
        await assertClean(load);
        if (!asked) return;
        assert.equal(outcomeOf(release), 'rolled-back', `aborted after ${afterMs} ms`);
        assert.equal(causeOf(release)?.code, 'RELEASE_ABORTED');
        const [service] = (await project.status()).services;
        assert.equal(service?.stable, 'v1');
        assert.deepEqual(
          service?.instances.map((i) => [i.version, i.traffic]),
          Array.from({ length: 3 }, () => ['v1', 'serving']),
        );
      }
    });
  });
}

describe('a bad version', () => {
  let project: TestProject;
  before(async () => {
    project = await TestProject.create({
      service: '    smoke: [{ get: /, expect: { status: 200, contains: version } }]',
      health: ', liveness: { path: /ready, interval: 10s }',
    });
    await project.up();
    await project.build('good');
    assert.equal(outcomeOf(await project.deploy('good')), 'done');
  });
  after(() => project.remove());

  const bad = async (
    t: TestContext,
    version: string,
    behaviour: Record<string, unknown>,
    code: string,
  ): Promise<string> => {
    await project.build(version, behaviour);
    const stable = (await instancesUnder(project.root)).map((p) => p.pid).toSorted((a, b) => a - b);
    const load = steadyLoad(t, project.port);
    const release = await project.deploy(version);
    await assertClean(load);
    assert.equal(outcomeOf(release), 'rolled-back');
    const cause = causeOf(release);
    assert.equal(cause?.code, code, cause?.detail);
    const left = (await instancesUnder(project.root)).map((p) => p.pid).toSorted((a, b) => a - b);
    assert.deepEqual(left, stable, 'stable was not touched and nothing of the candidate is left');
    return cause?.detail ?? '';
  };

  it('that exits is taken back with its last words', async (t) => {
    const detail = await bad(t, 'exits', { ready: false, exitAfterMs: 50 }, 'INSTANCE_EXITED');
    assert.match(detail, /exited with 7/);
    assert.match(detail, /the reason is here/);
  });
  it('that fails its smoke test is taken back', async (t) => {
    assert.match(await bad(t, 'broken', { broken: true }, 'SMOKE_FAILED'), /500/);
  });
  it('that listens on the wrong port is taken back, with both ports named', async (t) => {
    await project.writeFile({ health: '', service: '    smoke: []', readyWithin: '10s' });
    const other = await somePort();
    const text = await bad(t, 'lost', { port: other }, 'WRONG_PORT');
    assert.match(text, new RegExp(String(other)));
  });
  it('that never gets ready is taken back with what was seen', async (t) => {
    assert.match(await bad(t, 'never', { ready: false }, 'INSTANCE_NOT_READY'), /503/);
  });
  it('whose command does not exist is refused by the operating system, and says which', async (t) => {
    await project.writeFile({ command: 'no-such-program --serve' });
    assert.match(await bad(t, 'typo', {}, 'COMMAND_NOT_FOUND'), /no-such-program/);
    await project.writeFile({});
  });
  it('that ignores SIGTERM is killed after its limit when it leaves', async () => {
    await project.build('deaf', { ignoresSigterm: true });
    await project.writeFile({});
    assert.equal(outcomeOf(await project.deploy('deaf')), 'done');
    await project.build('next');
    assert.equal(outcomeOf(await project.deploy('next')), 'done');
    const stops = (await project.journal()).filter(({ fact }) => fact.kind === 'instance-stopped');
    assert.ok(stops.some(({ fact }) => fact.kind === 'instance-stopped' && fact.how.startsWith('kill')));
    assert.equal((await instancesUnder(project.root)).length, 2);
  });
});

describe('an instance that crashes while it serves', () => {
  it('is started again, said so, and out of traffic meanwhile', async (t) => {
    const project = await TestProject.create();
    t.after(() => project.remove());
    await project.up();
    await project.build('v1');
    await project.deploy('v1');
    const [first] = await instancesUnder(project.root);
    assert.ok(first);
    process.kill(first.pid, 'SIGKILL');
    const load = plainLoad(t, project.port, [
      { kind: 'keep-alive', method: 'GET', path: '/', count: 4, thinkMs: 1 },
    ]);
    const back = await project.eventually(async () => {
      const [service] = (await project.status()).services;
      return service?.instances.every((i) => i.traffic === 'serving' && i.pid !== first.pid) ?? false;
    });
    await assertClean(load);
    assert.ok(back, 'both serve again');
    const crash = (await project.journal()).find(({ fact }) => fact.kind === 'instance-crashed');
    assert.ok(crash?.fact.kind === 'instance-crashed' && /SIGKILL|ended/.test(crash.fact.exit));
  });

  it('again and again during the bake takes the release back', async (t) => {
    const project = await TestProject.create({ service: '    strategy: { type: blue-green, bake: 60s }' });
    t.after(() => project.remove());
    await project.up();
    await project.build('v1');
    await project.deploy('v1');
    await project.build('crashy', { exitAfterMs: 1_500 });
    const release = await project.deploy('crashy');
    assert.equal(outcomeOf(release), 'rolled-back');
    assert.equal(causeOf(release)?.code, 'CRASH_LOOP');
    assert.equal((await project.status()).services[0]?.stable, 'v1');
  });
});

describe('down and up', () => {
  it('leaves nothing running, and starts again what served', async (t) => {
    const project = await TestProject.create();
    t.after(() => project.remove());
    await project.up();
    await project.build('v1');
    await project.deploy('v1');
    await project.down();
    const gone = await project.eventually(async () => (await processesUnder(project.root)).length === 0);
    assert.ok(gone, JSON.stringify(await processesUnder(project.root)));
    await project.up();
    const back = await project.eventually(async () => {
      const [service] = (await project.status()).services;
      return service?.instances.filter((i) => i.traffic === 'serving').length === 2;
    });
    assert.ok(back, JSON.stringify(await project.status()));
    const answer = await fetch(`http://127.0.0.1:${project.port}/`);
    assert.equal(await answer.text(), 'version v1 0\n');
  });
});

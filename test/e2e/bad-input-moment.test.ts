/**
 * Hunts the right order at the wrong moment: a second deploy, a second up or control, Ctrl-C, a daemon killed.
 * Each says what it met, and what serves serves on.
 */
import assert from 'node:assert/strict';
import { after, describe, it, type TestContext } from 'node:test';
import { checkRefusal, deployOf, refused, serving, serveV1, succeeds } from '../support/bad-input.ts';
import { cli, endCli, startCli } from '../support/cli.ts';
import { processesUnder } from '../support/processes.ts';
import { program } from '../support/program.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import { TestProject } from '../support/test-project.ts';

after(endCli);

async function servingV1(t: TestContext): Promise<TestProject> {
  const project = await TestProject.create();
  t.after(() => project.remove());
  await serveV1(project);
  return project;
}

const BAKING = '    strategy: { type: rolling, bake: 1h }';

describe('a release under way', () => {
  it('keeps a second deploy and a rollback out, and goes on after Ctrl-C in the first', async (t) => {
    const project = await servingV1(t);
    await project.writeFile({ service: BAKING });
    const load = steadyLoad(t, project.port);
    await project.build('v2');
    await project.build('v3');
    const first = startCli(project.root, deployOf('v2'));
    assert.ok(await project.eventually(() => first.output().includes('bake for 1h ...')));
    await refused(project, deployOf('v3'), { exit: 5, says: /^error RELEASE_ACTIVE: .*\n {2}r2 of web\./ });
    first.child.kill('SIGINT');
    checkRefusal(['deploy', 'Ctrl-C'], await first.result, {
      exit: 4,
      says: /error STILL_RUNNING: .*\n {2}Follow: segue show r2 --follow\. Take back: segue abort web\./,
    });
    const follower = startCli(project.root, ['show', 'r2', '--follow']);
    assert.ok(await project.eventually(() => follower.output().includes('bake for 1h ...')));
    await succeeds(project, 'promote', 'web', '--now');
    checkRefusal(['show'], await follower.result, { exit: 0, says: /done: v2 serves web/ });
    await assertClean(load);
    assert.ok(await project.allServe());
  });

  it('of two deploys at the same moment takes one', async (t) => {
    const project = await servingV1(t);
    // The one that is taken is still under way when the other one comes, however late the machine lets it begin.
    await project.build('v2', { startAfterMs: 3_000 });
    await project.build('v3', { startAfterMs: 3_000 });
    const load = steadyLoad(t, project.port);
    const both = await Promise.all([deployOf('v2'), deployOf('v3')].map((words) => cli(project.root, words)));
    const lost = both.filter(({ exitCode }) => exitCode !== 0);
    assert.equal(lost.length, 1);
    for (const late of lost) checkRefusal(['deploy'], late, { exit: 5, says: /^error RELEASE_ACTIVE: / });
    await assertClean(load);
  });

  it('refuses an abort when there is none', async (t) => {
    const project = await servingV1(t);
    await refused(project, ['abort'], { exit: 5, says: /^error NO_ACTIVE_RELEASE/ });
    await refused(project, ['rollback'], { exit: 5, says: /^error NOTHING_TO_ROLL_BACK_TO/ });
  });
});

describe('control', () => {
  it('is there once, however often and however much at once it is started', async (t) => {
    const project = await TestProject.create();
    t.after(() => project.remove());
    await project.build('v1');
    const ups = await Promise.all([1, 2, 3].map(() => cli(project.root, ['up'])));
    for (const up of ups)
      if (up.exitCode !== 0) checkRefusal(['up'], up, { exit: 5, says: /^error CONTROL_RUNNING/ });
    assert.ok(ups.some(({ exitCode }) => exitCode === 0));
    await succeeds(project, ...deployOf('v1'));
    await serving(t, project, 'v1', async () => {
      await succeeds(project, 'up');
      // The same folder, without asking the CLI whether one runs.
      await assert.rejects(project.up(), /control ended with 5:[\s\S]*CONTROL_RUNNING[\s\S]*holds/);
    });
    assert.equal(await daemons(project, 'control'), 1);
    assert.equal(await daemons(project, 'gateway'), 1);
  });

  it('killed, is missed by nobody; the next up takes over what runs', async (t) => {
    const project = await servingV1(t);
    const { control, services } = await project.status();
    await serving(t, project, 'v1', async () => {
      process.kill(control.pid, 'SIGKILL');
      assert.ok(await project.eventually(async () => (await daemons(project, 'control')) === 0));
      await refused(project, ['status'], { exit: 5, says: /^error CONTROL_NOT_RUNNING/ });
      await refused(project, deployOf('v1'), {
        exit: 5,
        says: /^error CONTROL_NOT_RUNNING: [\s\S]*segue up/,
      });
      await succeeds(project, 'up');
    });
    const pidsOf = (all: typeof services) => all.flatMap((s) => s.instances.map((i) => i.pid));
    assert.deepEqual(pidsOf((await project.status()).services), pidsOf(services), 'none was started again');
    await project.build('v2');
    await succeeds(project, ...deployOf('v2'));
  });
});

describe('the gateway, killed', () => {
  it('comes back by itself with the same routing; lost is what was under way or came meanwhile', async (t) => {
    const project = await servingV1(t);
    const before = (await project.status()).gateway;
    assert.ok(before.pid !== null);
    const load = steadyLoad(t, project.port);
    assert.ok(await project.eventually(() => load.stats().answered > 100));
    const killedAtMs = Date.now();
    process.kill(before.pid, 'SIGKILL');
    const back = async () => {
      const { up, pid } = (await project.status()).gateway;
      return up && pid !== before.pid && (await daemons(project, 'gateway')) === 1;
    };
    assert.ok(await project.eventually(back));
    const failed = () => load.stats().failed;
    const answered = load.stats().answered;
    assert.ok(await project.eventually(() => load.stats().answered > answered + 100));
    const lost = failed();
    const backAtMs = Date.now();
    const then = load.stats().answered;
    assert.ok(await project.eventually(() => load.stats().answered > then + 100));
    assert.equal(failed(), lost, 'nothing is lost once it is back');
    const { failures, versions } = await load.stop();
    t.diagnostic(`${lost} requests lost in the ${backAtMs - killedAtMs} ms around the gateway's death`);
    for (const { reason, atMs } of failures) {
      assert.ok(
        ['reset', 'closed', 'closed-idle', 'refused'].includes(reason),
        `lost with the gateway: ${reason}`,
      );
      assert.ok(atMs >= killedAtMs - 1 && atMs <= backAtMs);
    }
    assert.deepEqual(Object.keys(versions), ['v1']);
    assert.equal((await project.status()).gateway.routing, before.routing, 'the same routing');
    await project.build('v2');
    await succeeds(project, ...deployOf('v2'));
  });
});

/** How many processes of this kind the project has. */
async function daemons(project: TestProject, kind: 'control' | 'gateway'): Promise<number> {
  const found = await processesUnder(project.root);
  // Workers are told where their master's program is.
  const runs = (words: readonly string[]) => words.find((word) => /\.[jt]s$/.test(word));
  return found.filter(({ commandLine }) => runs(commandLine) === program(`src/main/${kind}.ts`)).length;
}

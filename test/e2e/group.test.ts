/**
 * Hunts several services released as one that are not one: a first that stays new while the second is bad, a
 * second that begins before the first has full traffic, a way back in the wrong order, words that only one of
 * them hears, and requests lost on the way.
 */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { causeOf } from '../../src/core/release/records.ts';
import type { TogetherPlanResponse } from '../../src/wire/api.ts';
import { cli, endCli } from '../support/cli.ts';
import { assertEnded } from '../support/outcome.ts';
import { instancesUnder } from '../support/processes.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import { TwoServices } from '../support/two-services.ts';

after(() => endCli());

const SLOW = '{ type: blue-green, bake: 1h }';

describe('two services as one release, under load', () => {
  for (const strategy of ['rolling', '{ type: blue-green, bake: 200ms }'])
    it(`${strategy}: the first takes everything, the second begins, both are promoted at once`, async (t) => {
      const two = await TwoServices.serving(t, { strategy, instances: 2 });
      const loads = [steadyLoad(t, two.project.port), steadyLoad(t, two.apiPort)];
      const ids = await two.begin('v2');
      const { api, web } = await two.ended(ids);
      assertEnded(api, 'done');
      assertEnded(web, 'done');
      for (const load of loads) await assertClean(load);
      const routed = (await two.when(ids.api, 'step-started', 'route')).at(-1) ?? 0;
      const [begun = 0] = await two.when(ids.web, 'step-started', 'start');
      assert.ok(routed > 0 && begun > routed, `${begun} comes after ${routed}`);
      // One write: nothing of anything else lies between the two promotions.
      const [first = 0] = await two.when(ids.api, 'step-started', 'promote');
      const [second = 0] = await two.when(ids.web, 'step-started', 'promote');
      assert.ok(Math.abs(first - second) <= 4, `${first} and ${second}`);
      assert.deepEqual(await two.stables(), ['v2', 'v2']);
      assert.equal((await instancesUnder(two.project.root)).length, 4);
    });

  it('the second one is bad after the first has full traffic: both are back, nothing is lost', async (t) => {
    const two = await TwoServices.serving(t, { strategy: SLOW, instances: 2 });
    await two.project.build('bad', { broken: true });
    const loads = [steadyLoad(t, two.project.port), steadyLoad(t, two.apiPort)];
    const ids = await two.begin('v2', 'bad');
    const { api, web } = await two.ended(ids);
    assertEnded(api, 'rolled-back');
    assertEnded(web, 'rolled-back');
    for (const load of loads) await assertClean(load);
    assert.equal(causeOf(web)?.code, 'SMOKE_FAILED');
    const cause = causeOf(api);
    assert.equal(cause?.code, 'GROUP_TURNED');
    assert.match(cause.detail, new RegExp(`^${ids.web} of web: A smoke test`));
    assert.deepEqual((await two.when(ids.api, 'step-started', 'route')).length, 2, 'there and back');
    assert.deepEqual(await two.stables(), ['v1', 'v1']);
    for (const { instances } of await two.services())
      assert.deepEqual(
        instances.map(({ version, traffic }) => [version, traffic]),
        [
          ['v1', 'serving'],
          ['v1', 'serving'],
        ],
      );
    assert.equal((await instancesUnder(two.project.root)).length, 4);
  });

  it('an abort of one is an abort of all, and who needs the other leaves it first', async (t) => {
    const two = await TwoServices.serving(t, { strategy: SLOW });
    const loads = [steadyLoad(t, two.project.port), steadyLoad(t, two.apiPort)];
    const ids = await two.begin('v2');
    const both = async () =>
      (await two.services()).every(({ release }) => release?.step?.startsWith('bake') === true);
    assert.ok(await two.project.eventually(both));
    await two.say('abort', 'api');
    const { api, web } = await two.ended(ids);
    assertEnded(api, 'rolled-back');
    assertEnded(web, 'rolled-back');
    for (const load of loads) await assertClean(load);
    assert.equal(causeOf(api)?.code, 'RELEASE_ABORTED');
    assert.match(causeOf(web)?.detail ?? '', /The release was taken back as asked\. By kim: because$/);
    const webLeft = (await two.when(ids.web, 'step-started', 'stop')).at(-1) ?? 0;
    const apiLeaves = (await two.when(ids.api, 'step-started', 'route')).at(-1) ?? 0;
    assert.ok(webLeft > 0 && webLeft < apiLeaves, `web left (${webLeft}) before api (${apiLeaves})`);
  });
});

describe('a group', () => {
  it('is paused and resumed as one, while the gates of each are its own', async (t) => {
    const two = await TwoServices.serving(t, { strategy: SLOW, apiStrategy: 'rolling' });
    const ids = await two.begin('v2');
    const waits = async () =>
      (await two.services()).find(({ name }) => name === 'web')?.release?.step === 'bake for 1h';
    assert.ok(await two.project.eventually(waits));
    await two.say('pause', 'web');
    for (const { release } of await two.services())
      assert.deepEqual([release?.waiting?.for, release?.waiting?.why], ['resume', 'kim: because']);
    const promote = { by: 'kim', reason: 'seen', extent: 'now' };
    await assert.rejects(two.project.api('POST', '/v1/services/api/promote', promote), /NO_GATE/);
    await two.project.api('POST', '/v1/services/web/promote', promote);
    const stands = async () =>
      (await two.project.release(ids.web)).summary.step?.startsWith('wait until api');
    assert.ok(await two.project.eventually(async () => (await stands()) === true));
    assert.deepEqual(await two.stables(), ['v1', 'v1'], 'nobody is promoted while it is paused');
    await two.say('resume', 'api');
    const { api, web } = await two.ended(ids);
    assertEnded(api, 'done');
    assertEnded(web, 'done');
  });

  it('leaves out what serves already, and is refused whole when one of them cannot begin', async (t) => {
    const two = await TwoServices.serving(t);
    const alone = await two.begin('v1', 'v2');
    assert.equal(alone.api, '');
    const web = await two.project.ended(alone.web);
    assertEnded(web, 'done');
    assert.equal(web.group, undefined);
    assert.ok(!web.plan.steps.some(({ kind }) => kind === 'together'));
    await assert.rejects(two.begin('v3', 'v1'), /SOURCE_MISSING/);
    for (const { release } of await two.services()) assert.equal(release, null);
    const twice = { service: 'web', version: 'v1', dir: 'builds/v1' };
    await assert.rejects(
      two.project.api('POST', '/v1/together', { services: [twice, twice], by: 'test' }),
      /each service once/,
    );
  });

  it('is planned, followed, shown and rolled back by the command line', async (t) => {
    const two = await TwoServices.serving(t);
    const { root } = two.project;
    await two.project.build('next');
    const planned = await cli(root, ['plan', '--all', '--version', 'v2', '--json']);
    const { plans } = JSON.parse(planned.out) as TogetherPlanResponse;
    assert.deepEqual(
      plans.map(({ lines }) =>
        lines.find((line) => line.startsWith('wait until api') || line.startsWith('wait until web')),
      ),
      ['wait until api has full traffic', 'wait until web can be promoted, too'],
    );
    const deployed = await cli(root, ['deploy', 'web', 'api', '--version', 'v2']);
    assert.equal(deployed.exitCode, 0, deployed.out + deployed.err);
    assert.match(deployed.out, /^web: .* \[1\/\d+\] wait until api has full traffic \.\.\.$/m);
    assert.match(deployed.out, /done: v2 serves api[^]*done: v2 serves web/);
    assert.match((await cli(root, ['show', 'r3'])).out, /Together with\n.*\nr4 +web/);
    const wrong = await cli(root, ['deploy', 'web', 'api', '--dir', '.']);
    assert.equal(wrong.exitCode, 2);
    const back = await cli(root, ['rollback', 'api', '--all', '--json']);
    assert.equal(back.exitCode, 0, back.out);
    assert.deepEqual(await two.stables(), ['v1', 'v1']);
    const [apiRouted = 0] = await two.when('r6', 'step-started', 'start');
    const webRouted = (await two.when('r5', 'step-started', 'route')).at(-1) ?? 0;
    assert.ok(webRouted > 0 && webRouted < apiRouted, 'what came last goes back first');
    await two.project.build('next', { broken: true });
    const worse = await cli(root, ['deploy', '--all', '--version', 'bad']);
    assert.equal(worse.exitCode, 3, worse.out);
    assert.match(worse.out, /rolled back after .*: v1 serves as before\n.*A smoke test/);
    assert.match(worse.out, /rolled back after .*\n.*Another service of the same release could not go on/);
    await two.project.build('v3');
    await two.deploy('v3');
    await two.begin('v3', 'v1').then(({ web }) => two.project.ended(web));
    const apart = await cli(root, ['rollback', 'api', '--all']);
    assert.equal(apart.exitCode, 5);
    assert.match(apart.err, /web serves v1 by now, not v3 of r10: go back alone/);
  });
});

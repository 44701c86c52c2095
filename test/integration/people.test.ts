/**
 * Hunts people who are not heard: a pause that lets the next step begin or is forgotten by the next control, a
 * pause behind which a bad candidate stays, a gate that nobody can pass, a word taken when it comes too late,
 * and a CI job that waits for a person for ever.
 */
import assert from 'node:assert/strict';
import { after, describe, it, type TestContext } from 'node:test';
import type { Fact } from '../../src/core/release/journal.ts';
import { causeOf, type ReleaseRecord } from '../../src/core/release/records.ts';
import type { OrderResponse } from '../../src/wire/api.ts';
import { cli, endCli, startCli } from '../support/cli.ts';
import { assertEnded } from '../support/outcome.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import { TestProject } from '../support/test-project.ts';

after(() => endCli());

const PREVIEW = '    strategy: { type: blue-green, preview: 1h, bake: 1h }';

/** v1 serves; a release of v2 has come to its preview. */
async function atPreview(t: TestContext): Promise<{ project: TestProject; id: string }> {
  const project = await TestProject.create({ instances: 1, service: PREVIEW });
  t.after(() => project.remove());
  await project.up();
  for (const version of ['v1', 'v2']) await project.build(version);
  assertEnded(await project.deploy('v1'), 'done');
  const id = await project.begin('v2');
  await untilStep(project, id, 'preview');
  return { project, id };
}

async function say(project: TestProject, verb: string, change: object = {}): Promise<ReleaseRecord> {
  const word = { by: 'kim', reason: 'because', ...change };
  return (await project.api<OrderResponse>('POST', `/v1/services/web/${verb}`, word)).release;
}

async function refused(project: TestProject, verb: string, code: string, change: object = {}): Promise<void> {
  await assert.rejects(say(project, verb, change), new RegExp(`^ApiFailure: ${code}|${code}:`));
}

async function untilStep(project: TestProject, id: string, kind: string): Promise<void> {
  const begun = async () => {
    const { state, plan } = (await project.release(id)).release;
    return state.phase === 'forward' && state.underWay && plan.steps[state.at]?.kind === kind;
  };
  assert.ok(await project.eventually(begun), `${id} comes to its ${kind}`);
}

async function factsOf<K extends Fact['kind']>(project: TestProject, id: string, kind: K) {
  const { entries } = await project.release(id);
  return entries.flatMap(({ fact }) => (fact.kind === kind ? [fact as Extract<Fact, { kind: K }>] : []));
}

describe('a paused release', () => {
  it('finishes its step, begins no other, is still paused after kill -9, and goes on when told', async (t) => {
    const { project, id } = await atPreview(t);
    await say(project, 'pause');
    assert.deepEqual(
      (await say(project, 'pause', { by: 'lee' })).state,
      (await project.release(id)).release.state,
    );
    await say(project, 'promote', { extent: 'gate' });
    const stands = async () => {
      const { state } = (await project.release(id)).release;
      return state.phase === 'forward' && !state.underWay;
    };
    assert.ok(await project.eventually(stands), 'the preview was passed and nothing else begun');
    const [service] = (await project.status()).services;
    assert.deepEqual(service?.release?.waiting, {
      for: 'resume',
      why: 'kim: because',
      next: 'segue resume web',
    });
    await project.killControl();
    await project.up();
    assert.ok(await stands(), 'paused by a person, not by a process');
    await say(project, 'resume');
    await untilStep(project, id, 'bake');
    await refused(project, 'resume', 'NOT_PAUSED');
    await say(project, 'promote', { extent: 'now' });
    assertEnded(await project.ended(id), 'done');
    assert.deepEqual(
      (await factsOf(project, id, 'paused')).map(({ by }) => by),
      ['kim'],
    );
    const notes = (await factsOf(project, id, 'step-done')).map(({ note }) => note);
    assert.equal(notes.filter((note) => note === 'passed by kim: because').length, 2);
  });

  it('is taken back by abort and by a candidate that keeps crashing, without a failed request', async (t) => {
    for (const fails of [false, true]) {
      const { project, id } = await atPreview(t);
      const load = steadyLoad(t, project.port);
      await say(project, 'pause');
      await say(project, 'promote', { extent: 'gate' });
      if (fails) {
        const over = await project.eventually(async () => {
          const candidate = (await project.web()).instances.find(({ version }) => version === 'v2');
          if (candidate?.ready)
            await fetch(`http://127.0.0.1:${candidate.port}/crash`).catch(() => undefined);
          return (await project.release(id)).release.state.phase !== 'forward';
        });
        assert.ok(over, 'a pause keeps no bad candidate');
      } else await say(project, 'abort');
      const release = await project.ended(id);
      assertEnded(release, 'rolled-back');
      assert.equal(causeOf(release)?.code, fails ? 'CRASH_LOOP' : 'RELEASE_ABORTED');
      await assertClean(load);
      assert.ok(await project.allServe());
    }
  });
});

describe('promote', () => {
  it('passes the gate, those before full traffic, or all; and nothing when there is none', async (t) => {
    const { project, id } = await atPreview(t);
    await refused(project, 'approve', 'NOTHING_TO_APPROVE');
    await say(project, 'promote', { extent: 'full' });
    await untilStep(project, id, 'bake');
    await refused(project, 'promote', 'NO_GATE', { extent: 'full' });
    await say(project, 'promote', { extent: 'gate' });
    assertEnded(await project.ended(id), 'done');
    assert.deepEqual(
      (await factsOf(project, id, 'gates-waived')).map(({ indexes, by }) => [indexes.length, by]),
      [
        [1, 'kim'],
        [1, 'kim'],
      ],
    );
    await refused(project, 'promote', 'NO_ACTIVE_RELEASE', { extent: 'now' });
  });

  it('waits for a candidate that is not ready: it is people who pass gates, not versions', async (t) => {
    const { project, id } = await atPreview(t);
    await say(project, 'promote', { extent: 'full' });
    await untilStep(project, id, 'bake');
    const candidate = (await project.web()).instances.find(({ version }) => version === 'v2');
    await fetch(`http://127.0.0.1:${candidate?.port}/unready`);
    assert.ok(
      await project.eventually(async () => (await project.web()).instances.some(({ ready }) => !ready)),
    );
    await say(project, 'promote', { extent: 'now' });
    const release = await project.ended(id);
    assertEnded(release, 'rolled-back');
    assert.equal(causeOf(release)?.code, 'INSTANCE_NOT_READY');
    await refused(project, 'abort', 'NO_ACTIVE_RELEASE');
  });
});

describe('the command line', () => {
  it('in CI, ends with 4 where a person is asked for, and says who and how to go on', async (t) => {
    const { project } = await atPreview(t);
    await say(project, 'promote', { extent: 'now' });
    assert.ok(await project.eventually(() => project.allServe()));
    const words = ['deploy', 'web', '--version', 'v1', '--dir', 'builds/v1'];
    const run = startCli(project.root, words);
    assert.ok(await project.eventually(() => run.output().includes('preview for 1h ...')));
    const paused = await cli(project.root, ['pause', 'web', '--reason', 'odd']);
    assert.match(
      paused.out,
      /^r3 of web paused by \S+: odd, step \d+ of \d+: preview for 1h\nnext: go on: segue resume web, /,
    );
    const { exitCode, out } = await run.result;
    assert.equal(exitCode, 4, out);
    assert.match(out, /paused by \S+: odd\n/);
    assert.match(out, /go on: segue resume web, follow: segue show r3 --follow, take back: segue abort web/);
    assert.match((await cli(project.root, ['status'])).out, /r3 paused for/);
    assert.match((await cli(project.root, ['releases'])).out, /\nr3 .* paused /);
    assert.match(
      (await cli(project.root, ['show', 'r3'])).out,
      /\npaused by \S+: odd; go on: segue resume web\n/,
    );
    const both = await cli(project.root, ['promote', 'web', '--full', '--now']);
    assert.equal(both.exitCode, 2);
    await cli(project.root, ['promote', 'web', '--now']);
    const end = await cli(project.root, ['resume', 'web', '--follow']);
    assert.equal(end.exitCode, 0, end.out + end.err);
    assert.match(end.out, /done: v1 serves web/);
    const late = await cli(project.root, ['approve', 'web']);
    assert.equal(late.exitCode, 5);
    assert.match(late.err, /^error NO_ACTIVE_RELEASE/);
  });
});

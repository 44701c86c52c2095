/**
 * Hunts flags that outlive their code: a raise above the share of the requests whose version has it (F1), requests
 * that go back before the flag does (F2), a flag that stays raised because control died in between, and one that comes
 * up again by itself.
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { Entry } from '../../src/core/release/journal.ts';
import type { FlagChangeResponse, FlagsResponse } from '../../src/wire/flag-api.ts';
import type { PlanResponse } from '../../src/wire/api.ts';
import { cli, endCli } from '../support/cli.ts';
import { assertEnded } from '../support/outcome.ts';
import { refused } from '../support/refused.ts';
import { assertClean, steadyLoad } from '../support/steady-load.ts';
import { TestProject } from '../support/test-project.ts';

const FLAGS = `flags:
  checkout:
    state: ENABLED
    variants: { on: true, off: false }
    defaultVariant: off
    metadata: { release: web@v2 }
  theme:
    state: ENABLED
    variants: { light: light, dark: dark }
    defaultVariant: light
`;

const CANARY = `{ type: canary, bake: 1h, steps: [{ weight: 10, for: 50ms }, { flag: checkout, for: 50ms }, { weight: 50, flag: checkout, for: 1h }] }`;

async function serving(t: TestContext, strategy: string, flags = FLAGS, top = ''): Promise<TestProject> {
  const file = { top: `gateway: { workers: 1 }\n${top}`, readyWithin: '60s' };
  const project = await TestProject.create(file);
  t.after(async () => {
    endCli();
    await project.remove();
  });
  await writeFlags(project, flags);
  for (const version of ['v1', 'v2', 'v3']) await project.build(version);
  await project.up();
  assertEnded(await project.deploy('v1'), 'done');
  await project.writeFile({ ...file, service: `    strategy: ${strategy}` });
  return project;
}

async function writeFlags(project: TestProject, text: string): Promise<void> {
  const file = path.join(project.root, 'flags/shop.flagd.yaml');
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text);
}

async function flagOf(project: TestProject, name = 'checkout') {
  const { flags } = await project.api<FlagsResponse>('GET', '/v1/flags');
  const flag = flags.find((each) => each.flag === name);
  assert.ok(flag, name);
  return flag;
}

/** It waits at a step of this kind with the flag raised so far. */
async function holdsAt(project: TestProject, kind: string, raised: number): Promise<void> {
  const holds = await project.eventually(async () => {
    const { release } = await project.web();
    if (!release) return false;
    const { state, plan } = (await project.release(release.id)).release;
    return (
      state.phase === 'forward' &&
      plan.steps[state.at]?.kind === kind &&
      (await flagOf(project)).raised === raised
    );
  });
  assert.ok(holds, `it waits at ${kind} with the flag at ${raised}%`);
}

/** What happened to flags and routings on the way back, in order. */
async function wayBack(project: TestProject, release: string): Promise<string[]> {
  const entries = await project.journal();
  const from = entries.findLastIndex(
    ({ release: of, fact }) => of === release && fact.kind === 'back-planned',
  );
  return entries.slice(from + 1).flatMap((entry) => wordsOf(entry));
}

function wordsOf({ fact }: Entry): string[] {
  if (fact.kind === 'flag-changed') return [`${fact.verb} ${fact.flag}`];
  if (fact.kind === 'step-started') return [`begin ${fact.step.kind}`];
  return [];
}

const change = (project: TestProject, flag: string, to: unknown, anyway?: boolean) =>
  project.api<FlagChangeResponse>('POST', `/v1/flags/${flag}/change`, {
    ...{ to, by: 'dana', reason: anyway ? 'a demonstration' : '' },
    ...(anyway ? { anyway } : {}),
  });

const promote = (project: TestProject) =>
  project.api('POST', '/v1/services/web/promote', { by: 'test', reason: '', extent: 'now' });

it('goes up with the weight, and down before the routing when the release goes back', async (t) => {
  const project = await serving(t, CANARY);
  const { lines, plan } = await project.api<PlanResponse>('POST', '/v1/plan', {
    ...{ service: 'web', version: 'v2', dir: 'builds/v2', by: 'test' },
  });
  assert.ok(lines.includes('flag checkout: on for 10%'), lines.join('\n'));
  assert.ok(lines.includes('flag checkout: on for 50%'), lines.join('\n'));
  assert.ok(plan.certificate.ways.some(({ lowers }) => lowers?.includes('checkout')));

  const load = steadyLoad(t, project.port);
  const release = await project.begin('v2');
  await holdsAt(project, 'hold', 50);
  const status = await cli(project.root, ['status']);
  assert.equal(status.exitCode, 0, status.err);
  await project.abort();
  assertEnded(await project.ended(release), 'rolled-back');
  const words = await wayBack(project, release);
  assert.deepEqual(words.slice(0, 3), ['begin lower', 'lower checkout', 'begin route'], words.join(', '));
  const down = await flagOf(project);
  assert.equal(down.raised, 0);
  await assertClean(load);

  const shown = await cli(project.root, ['show', release]);
  assert.match(shown.out, /flag checkout: on for 10%/);
  assert.match(shown.out, /lower checkout/);
  assert.match(shown.out, /checkout lowered first; one routing: stable is warm/);

  // The next release goes the same way, and only its steps raise the flag.
  await writeFlags(project, FLAGS.replace('theme:', 'subject:'));
  const again = await project.begin('v3');
  await holdsAt(project, 'hold', 50);
  await promote(project);
  assertEnded(await project.ended(again), 'done');
  assert.equal((await flagOf(project)).raised, 50);

  // Back to the version without the code: the flag first.
  const rollback = await project.rollback();
  assertEnded(rollback, 'done');
  const all = (await project.release(rollback.id)).entries.flatMap(wordsOf);
  assert.ok(all.indexOf('lower checkout') < all.indexOf('begin route'), all.join(', '));
  assert.equal((await flagOf(project)).raised, 0);
});

describe('a person', () => {
  it('may raise it as far as its code has requests, insist with a reason, and take it down at any time', async (t) => {
    const project = await serving(t, '{ type: canary, steps: [{ weight: 30, for: 1h }] }');
    const none = await cli(project.root, ['flags', 'on', 'checkout']);
    assert.equal(none.exitCode, 5);
    assert.match(
      none.err,
      /may not be raised now: no request goes to a version with its code: there is no v2/,
    );
    assert.match(none.err, /--anyway/);
    const release = await project.begin('v2');
    assert.ok(await project.eventually(async () => (await project.web()).release?.percent === 30));

    const shares = (on: number) => ({
      type: 'shares',
      shares: [
        { variant: 'on', weight: on },
        { variant: 'off', weight: 100 - on },
      ],
    });
    await refused('FLAG_CEILING', change(project, 'checkout', shares(31)));
    await change(project, 'checkout', shares(30));
    const above = await cli(project.root, ['flags', 'on', 'checkout']);
    assert.match(
      above.err,
      /checkout would be at 100%, and may be at 30% at most now: only 30% of the requests go to a version of web with its code \(v2 or later\); 70% to v1/,
    );
    const shown = await cli(project.root, ['flags', 'show', 'checkout']);
    assert.match(shown.out, /raised\s+30%, of 100%: only 30% of the requests/);

    const silent = await cli(project.root, ['flags', 'on', 'checkout', '--anyway']);
    assert.match(silent.err, /--anyway needs --reason/);
    const insisted = await cli(project.root, ['flags', 'on', 'checkout', '--anyway', '--reason', 'a fair']);
    assert.equal(insisted.exitCode, 0, insisted.err);
    const entries = await project.journal();
    const last = entries.findLast(({ fact }) => fact.kind === 'flag-changed');
    assert.ok(last?.fact.kind === 'flag-changed');
    assert.equal(last.fact.reason, 'a fair');
    assert.match(last.fact.overruled ?? '', /only 30%/);

    // What goes back takes its flag with it, insisted on or not.
    await project.abort();
    assertEnded(await project.ended(release), 'rolled-back');
    assert.equal((await flagOf(project)).raised, 0);
    const words = await wayBack(project, release);
    assert.deepEqual(words.slice(0, 3), ['begin lower', 'lower checkout', 'begin route']);
    // Undoing that would raise it where nobody has the code.
    await refused(
      'FLAG_CEILING',
      project.api('POST', `/v1/flag-changes/${await lastChange(project)}/undo`, { by: 'dana', reason: '' }),
    );
    await change(project, 'theme', { type: 'variant', variant: 'dark' });
  });

  it('who turns it off while the release runs is not overruled by its next step', async (t) => {
    const steps =
      '{ type: canary, bake: 0s, steps: [{ weight: 10, flag: checkout, approve: true }, { weight: 50, flag: checkout, for: 50ms }] }';
    const project = await serving(t, steps);
    const release = await project.begin('v2');
    await holdsAt(project, 'approve', 10);
    await change(project, 'checkout', { type: 'off' });
    await project.api('POST', '/v1/services/web/approve', { by: 'test', reason: '' });
    assertEnded(await project.ended(release), 'done');
    assert.equal((await flagOf(project)).raised, 0);
    const { entries } = await project.release(release);
    const notes = entries.flatMap(({ fact }) => (fact.kind === 'step-done' ? [fact.note] : []));
    assert.ok(notes.includes('left as it was set meanwhile: "off" for everybody'), notes.join('; '));
  });

  it('whose approval it needs is waited for; an abort ends the asking', async (t) => {
    const project = await serving(
      t,
      '{ type: blue-green, bake: 0s, flags: [checkout] }',
      FLAGS,
      'flags: { approvals: [{ flags: [checkout], by: [chris] }] }',
    );
    const pendingOf = async () => (await project.api<FlagsResponse>('GET', '/v1/flags')).pending;
    const asks = async () => (await pendingOf()).length === 1;
    const first = await project.begin('v2');
    assert.ok(await project.eventually(asks));
    await project.abort();
    assertEnded(await project.ended(first), 'rolled-back');
    assert.deepEqual(await pendingOf(), []);
    const second = await project.begin('v2');
    assert.ok(await project.eventually(asks));
    const [pending] = await pendingOf();
    await project.api('POST', `/v1/flag-changes/${pending?.number}/approve`, { by: 'chris', reason: '' });
    assertEnded(await project.ended(second), 'done');
    assert.equal((await flagOf(project)).raised, 100);
  });
});

async function lastChange(project: TestProject): Promise<number> {
  const { changes } = await project.api<{ changes: { number: number }[] }>('GET', '/v1/flag-changes');
  return changes[0]?.number ?? 0;
}

it('a file that raises a flag before its code is there comes into force with the flag down', async (t) => {
  const project = await serving(t, '{ type: blue-green, bake: 0s }');
  await writeFlags(project, FLAGS.replace('defaultVariant: off', 'defaultVariant: on'));
  const held = async () => (await flagOf(project)).override !== null;
  assert.ok(await project.eventually(held));
  assert.equal((await flagOf(project)).raised, 0);
  assertEnded(await project.deploy('v2'), 'done');
  assert.equal((await flagOf(project)).raised, 0, 'the release raises nothing by itself');
  await change(project, 'checkout', { type: 'file' });
  assert.equal((await flagOf(project)).raised, 100);
});

it('versions that asked for a flag are known to have its code, and older ones are not', async (t) => {
  const project = await serving(t, '{ type: canary, bake: 0s, steps: [{ weight: 20, for: 1h }] }');
  const release = await project.begin('v2');
  assert.ok(await project.eventually(async () => (await project.web()).release?.percent === 20));
  await project.api('POST', '/ofrep/v1/evaluate/flags/theme', {
    context: { targetingKey: 'anna', segueService: 'web', segueVersion: 'v2' },
  });
  await refused('FLAG_CEILING', change(project, 'theme', { type: 'variant', variant: 'dark' }));
  await promote(project);
  assertEnded(await project.ended(release), 'done');
  await change(project, 'theme', { type: 'variant', variant: 'dark' });
  assert.equal((await flagOf(project, 'theme')).raised, 100);
});

it('what is raised while a version without the code gets more goes down with the routing that gives it more', async (t) => {
  const steps = '[{ weight: 10, approve: true }, { weight: 50, for: 1h }]';
  const flags = FLAGS.replace('web@v2', 'web@v1, without: v2');
  const project = await serving(t, `{ type: canary, steps: ${steps} }`, flags);
  const release = await project.begin('v2');
  const asks = async () => (await project.web()).release?.waiting?.for === 'approval';
  assert.ok(await project.eventually(asks));
  const shares = [
    { variant: 'on', weight: 90 },
    { variant: 'off', weight: 10 },
  ];
  await refused('FLAG_CEILING', change(project, 'checkout', { type: 'on' }));
  await change(project, 'checkout', { type: 'shares', shares });
  await project.api('POST', '/v1/services/web/approve', { by: 'test', reason: '' });
  assert.ok(await project.eventually(async () => (await project.web()).release?.percent === 50));
  assert.equal((await flagOf(project)).raised, 0);
  const last = (await project.journal()).findLast(({ fact }) => fact.kind === 'flag-changed');
  assert.ok(last?.fact.kind === 'flag-changed');
  assert.deepEqual(
    [last.fact.verb, last.fact.by, last.fact.reason],
    ['lower', 'control', 'less of web goes to versions with its code'],
  );
  await project.abort();
  assertEnded(await project.ended(release), 'rolled-back');
});

it('a plan that cannot be is refused before anything of it begins', async (t) => {
  const project = await serving(t, '{ type: blue-green, flags: [{ flag: checkout, to: blue }] }');
  await refused('FLAG_REFUSED', project.begin('v2'));
  await writeFlags(project, FLAGS.replace('checkout:', 'other:'));
  assert.ok(await project.eventually(async () => (await flagOf(project, 'other')).raised === 0));
  await refused('FLAG_UNKNOWN', project.begin('v2'));
  assert.equal((await project.web()).stable, 'v1');
});

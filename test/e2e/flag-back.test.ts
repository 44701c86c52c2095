/**
 * Hunts what a bad flag, or the death of control, leaves behind on the way back: a flag that is raised where nobody has
 * its code, a release that nobody finishes, requests that go back before the flag does (F2), and a version that meets
 * a flag whose code it has not.
 */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { it, type TestContext } from 'node:test';
import { causeOf } from '../../src/core/release/records.ts';
import type { FlagsResponse } from '../../src/wire/flag-api.ts';
import { startLoad } from '../load/load.ts';
import { assertEnded } from '../support/outcome.ts';
import { program } from '../support/program.ts';
import { type StartOptions, TestProject } from '../support/test-project.ts';

const CRASHING = program('test/support/crash-control.ts');

/** Says its version and what it was told of the flag; the new one fails where the flag is on. */
const APP = `
import { createServer } from 'node:http';
createServer((request, response) => {
  const [payload = ''] = (request.headers['segue-flags'] ?? '').split('.');
  const { flags = {} } = JSON.parse(Buffer.from(payload, 'base64url').toString() || '{}');
  const on = flags.checkout?.value === true;
  request.resume();
  response.statusCode = on && process.env.SEGUE_VERSION === 'v2' ? 500 : 200;
  response.end(JSON.stringify({ version: process.env.SEGUE_VERSION, on }));
}).listen(process.env.PORT, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
`;

const FLAGS = `flags:
  checkout:
    state: ENABLED
    variants: { on: true, off: false }
    defaultVariant: off
    metadata: { release: web@v2 }
`;

async function serving(t: TestContext, strategy: string, up: StartOptions = {}): Promise<TestProject> {
  const file = {
    top: 'gateway: { workers: 1 }',
    readyWithin: '60s',
    traffic: ', flags: { evaluate: [checkout], key: { header: x-user } }',
  };
  const project = await TestProject.create(file);
  t.after(() => project.remove());
  const flags = path.join(project.root, 'flags/shop.flagd.yaml');
  await mkdir(path.dirname(flags));
  await writeFile(flags, FLAGS);
  for (const version of ['v1', 'v2', 'v3']) {
    const dir = path.join(project.root, 'builds', version);
    await mkdir(dir, { recursive: true });
    await writeFile(path.join(dir, 'server.mjs'), APP);
  }
  await project.up(up);
  assertEnded(await project.deploy('v1'), 'done');
  await project.writeFile({ ...file, service: `    strategy: ${strategy}` });
  return project;
}

async function raisedOf(project: TestProject): Promise<number> {
  const { flags } = await project.api<FlagsResponse>('GET', '/v1/flags');
  return flags.find(({ flag }) => flag === 'checkout')?.raised ?? -1;
}

/** The steps that were begun, changes of flags, and routings, from when the release turned. */
async function sinceTurned(project: TestProject, release: string): Promise<string[]> {
  const entries = await project.journal();
  const from = entries.findLastIndex(
    ({ release: of, fact }) => of === release && fact.kind === 'back-planned',
  );
  return entries.slice(from).flatMap(({ fact }) => {
    if (fact.kind === 'flag-changed') return [`${fact.verb} ${fact.flag}`];
    return fact.kind === 'step-started' ? [`begin ${fact.step.kind}`] : [];
  });
}

async function visit(project: TestProject, user: number) {
  const answer = await fetch(`http://127.0.0.1:${project.port}/`, { headers: { 'x-user': `user-${user}` } });
  return (await answer.json()) as { readonly version: string; readonly on: boolean };
}

it('a bad flag is found where it is raised, and goes down before its version leaves', async (t) => {
  const steps = '[{ weight: 50, until: evidence }, { flag: checkout, until: evidence }]';
  const project = await serving(t, `{ type: canary, steps: ${steps} }`);
  const load = startLoad({
    target: { host: '127.0.0.1', port: project.port },
    clients: Array.from({ length: 8 }, (_, user) => ({
      ...({ kind: 'keep-alive', method: 'GET', path: '/', count: 1, thinkMs: 5 } as const),
      headers: { 'x-user': `user-${user}` },
    })),
  });
  t.after(() => load.stop());
  const release = await project.deploy('v2');
  assertEnded(release, 'rolled-back');
  assert.match(causeOf(release)?.code ?? '', /^CANDIDATE_(WORSE|BROKEN)$/);
  assert.equal(await raisedOf(project), 0);
  const { entries } = await project.release(release.id);
  const raised = entries.findIndex(({ fact }) => fact.kind === 'flag-changed' && fact.verb === 'raise');
  const worse = entries.findIndex(({ fact }) => fact.kind === 'verdict' && fact.verdict === 'worse');
  assert.ok(raised !== -1 && worse > raised, 'the version was good until the flag was raised');
  const words = await sinceTurned(project, release.id);
  assert.deepEqual(words.slice(0, 3), ['begin lower', 'lower checkout', 'begin route'], words.join(', '));
});

/** Control that dies where `arm` says. */
async function crashing(
  t: TestContext,
): Promise<{ up: StartOptions; arm: (point: string) => Promise<void> }> {
  const dir = await mkdtemp(path.join(tmpdir(), 'segue-crash-'));
  t.after(() => rm(dir, { recursive: true }));
  const point = path.join(dir, 'crash-at');
  await writeFile(point, '');
  const env = { SEGUE_TEST_WRITES_FILE: path.join(dir, 'writes'), SEGUE_TEST_CRASH_FILE: point };
  return { up: { main: CRASHING, env }, arm: (text) => writeFile(point, text) };
}

/** Killed by itself, and started again to go on. */
async function revived(
  project: TestProject,
  { up, arm }: Awaited<ReturnType<typeof crashing>>,
): Promise<void> {
  assert.ok(await project.eventually(() => project.control?.signalCode === 'SIGKILL'));
  await arm('');
  await project.up(up);
}

const UNJUDGED = '{ type: canary, steps: [{ weight: 50, flag: checkout, for: 1h }] }\n    judge: off';

for (const moment of ['before', 'after']) {
  it(`control killed ${moment} the flag is raised: the next one raises it once, and goes on`, async (t) => {
    const crash = await crashing(t);
    const project = await serving(t, UNJUDGED, crash.up);
    await crash.arm(`${moment}:raise`);
    const release = await project.begin('v2');
    await revived(project, crash);
    const holds = async () => {
      const { state, plan } = (await project.release(release)).release;
      return state.phase === 'forward' && plan.steps[state.at]?.kind === 'hold';
    };
    assert.ok(await project.eventually(holds));
    assert.equal(await raisedOf(project), 50);
    const { entries } = await project.release(release);
    const raises = entries.filter(({ fact }) => fact.kind === 'flag-changed');
    assert.equal(raises.length, 1);
    // Whichever control raised it, going back puts it where it was.
    await project.abort();
    assertEnded(await project.ended(release), 'rolled-back');
    assert.equal(await raisedOf(project), 0);
  });

  it(`control killed ${moment} the flag is down: the next one lowers it once, and then goes back`, async (t) => {
    const crash = await crashing(t);
    const project = await serving(t, UNJUDGED, crash.up);
    const release = await project.begin('v2');
    assert.ok(await project.eventually(async () => (await raisedOf(project)) === 50));
    // The version that has not the code never meets the flag, whoever asks.
    const met = await Promise.all(Array.from({ length: 60 }, (_, user) => visit(project, user)));
    assert.ok(met.some(({ version, on }) => version === 'v2' && on));
    assert.ok(met.some(({ version }) => version === 'v1'));
    assert.deepEqual(
      met.filter(({ version, on }) => version === 'v1' && on),
      [],
    );

    await crash.arm(`${moment}:lower`);
    await project.abort().catch(() => undefined);
    await revived(project, crash);
    assertEnded(await project.ended(release), 'rolled-back');
    assert.equal(await raisedOf(project), 0);
    const words = await sinceTurned(project, release);
    assert.equal(words.filter((word) => word === 'lower checkout').length, 1, words.join(', '));
    assert.ok(words.indexOf('lower checkout') < words.indexOf('begin route'), words.join(', '));
    const back = await Promise.all(Array.from({ length: 20 }, (_, user) => visit(project, user)));
    assert.deepEqual(
      back.filter(({ version, on }) => version !== 'v1' || on),
      [],
    );
    // A release that has not been told to raises nothing.
    const again = await project.begin('v3');
    assert.ok(await project.eventually(async () => (await raisedOf(project)) === 50));
    await project.abort();
    assertEnded(await project.ended(again), 'rolled-back');
    assert.equal(await raisedOf(project), 0);
  });
}

/**
 * Hunts a roll-out that nobody guards: a bad variant that goes up, a good one that never gets anywhere, one that goes
 * on over a kill switch or over the word of a second person, a killed control that forgets how far it was, and what is
 * left behind when it is taken back. Real control, gateway and load, no request sent twice.
 */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, it, type TestContext } from 'node:test';
import type { Override } from '../../src/core/flags/override.ts';
import { causeOf, type ReleaseRecord } from '../../src/core/release/records.ts';
import type { OrderResponse, StatusResponse } from '../../src/wire/api.ts';
import type { FlagChangesResponse, FlagRolloutRequest, FlagsResponse } from '../../src/wire/flag-api.ts';
import type { Load } from '../load/summary.ts';
import { cli, endCli } from '../support/cli.ts';
import { assertEnded } from '../support/outcome.ts';
import { refused } from '../support/refused.ts';
import { loadOf } from '../support/steady-load.ts';
import { TestProject } from '../support/test-project.ts';

/** Says which variant it was told, and fails for those that its build names. */
const APP = `
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
const { fails = [] } = JSON.parse(readFileSync(new URL('./behaviour.json', import.meta.url), 'utf8'));
createServer((request, response) => {
  request.resume();
  const [payload = ''] = (request.headers['segue-flags'] ?? '').split('.');
  const told = payload === '' ? {} : JSON.parse(Buffer.from(payload, 'base64url').toString());
  const variant = told.flags?.['checkout-v2']?.variant ?? 'none';
  response.statusCode = fails.includes(variant) && request.url === '/' ? 500 : 200;
  response.setHeader('x-variant', variant);
  response.end('{}');
}).listen(process.env.PORT, '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
`;

const flagFile = (rest = '') => `flags:
  checkout-v2:
    state: ENABLED
    variants: { on: true, off: false }
    defaultVariant: off
${rest}  unseen:
    state: ENABLED
    variants: { on: true, off: false }
    defaultVariant: off
`;

after(endCli);

interface Options {
  readonly fails?: readonly string[];
  readonly flags?: string;
  /** Lines of segue.yaml beside the service. */
  readonly top?: string;
  /** A line of the service. */
  readonly strategy?: string;
}

async function serving(t: TestContext, options: Options = {}): Promise<TestProject> {
  const { fails = [], flags = flagFile(), top = '', strategy = '' } = options;
  const project = await TestProject.create({
    instances: 2,
    traffic: ', flags: { evaluate: [checkout-v2] }',
    service: `    judge: { errors: { negligible: 2% }, saturation: off }\n${strategy}`,
    top: `gateway: { workers: 1 }\n${top}`,
  });
  t.after(() => project.remove());
  await mkdir(path.join(project.root, 'flags'));
  await writeFile(path.join(project.root, 'flags/shop.flagd.yaml'), flags);
  await build(project, 'v1', fails);
  await project.up();
  assertEnded(await project.deploy('v1'), 'done');
  return project;
}

async function build(project: TestProject, name: string, fails: readonly string[]): Promise<void> {
  const dir = path.join(project.root, 'builds', name);
  await mkdir(dir, { recursive: true });
  await writeFile(path.join(dir, 'server.mjs'), APP);
  await writeFile(path.join(dir, 'behaviour.json'), JSON.stringify({ name, fails }));
}

/** Everybody is a new visitor each time: no cookie is kept. */
function visitors(t: TestContext, project: TestProject): Load {
  const clients = [
    { kind: 'keep-alive', method: 'GET', path: '/', count: 6, thinkMs: 2 },
    { kind: 'per-request', method: 'GET', path: '/', count: 2, thinkMs: 5 },
  ] as const;
  return loadOf(t, project.port, { clients, versionHeader: 'x-variant' });
}

const ORDER: FlagRolloutRequest = {
  ...{ to: 'on', from: null, percents: [10, 50, 100], evidence: true, forMs: 0, approve: false },
  ...{ service: null, by: 'dana', reason: 'a launch' },
};

const order = (project: TestProject, change: Partial<FlagRolloutRequest> = {}, flag = 'checkout-v2') =>
  project.api<OrderResponse>('POST', `/v1/flags/${flag}/rollout`, { ...ORDER, ...change });

async function begin(project: TestProject, change: Partial<FlagRolloutRequest> = {}): Promise<string> {
  return (await order(project, change)).release.id;
}

const say = (project: TestProject, verb: string, by = 'dana', rest: object = {}) =>
  project.api<OrderResponse>('POST', `/v1/services/checkout-v2/${verb}`, { by, reason: '', ...rest });

async function overrideOf(project: TestProject): Promise<Override | null> {
  const { flags } = await project.api<FlagsResponse>('GET', '/v1/flags');
  return flags.find(({ flag }) => flag === 'checkout-v2')?.override ?? null;
}

/** Each step waits for evidence of its own: on a busy machine that takes its time. */
async function judged(project: TestProject, id: string): Promise<ReleaseRecord> {
  const isOver = async () => (await project.release(id)).release.endedAtMs !== null;
  assert.ok(await project.eventually(isOver, 300_000), `${id} ended`);
  return project.ended(id);
}

const percentOf = (override: Override | null) => (override?.type === 'rolled' ? override.percent : null);

const why = (release: ReleaseRecord) => {
  const cause = causeOf(release);
  return cause ? `${cause.code}: ${cause.detail}` : '';
};

it('takes back a variant that fails, by itself, after a few requests and with the proof', async (t) => {
  const project = await serving(t, { fails: ['on'] });
  const load = visitors(t, project);
  assert.ok(await project.eventually(() => (load.stats().versions['off']?.requests ?? 0) > 50));
  const words = ['flags', 'rollout', 'checkout-v2', '--to', 'on', '--steps', '10,50', '--until', 'evidence'];
  const watched = await cli(project.root, words, { CI: '1' });
  assert.equal(watched.exitCode, 3, watched.out + watched.err);
  assert.match(watched.out, /rolled back.*: checkout-v2 is as it was before/);
  assert.match(watched.out, /10% of checkout-v2 to "on"/);
  const { release } = await project.release('r2');
  assertEnded(release, 'rolled-back');
  assert.match(why(release), /^VARIANT_WORSE: errors: candidate \d+ of \d+/);
  assert.equal(await overrideOf(project), null);
  const { versions, failed } = await load.stop();
  assert.ok(failed > 0 && failed <= 60, `${failed} requests failed`);
  assert.equal(failed, versions['on']?.requests);
  const { entries } = await project.release(release.id);
  const last = entries.findLast(({ fact }) => fact.kind === 'verdict');
  assert.ok(last?.fact.kind === 'verdict' && last.fact.verdict === 'worse');
});

it('gives everybody a variant that is as good, by evidence alone, and takes it back in one act', async (t) => {
  const project = await serving(t);
  const load = visitors(t, project);
  const release = await judged(project, await begin(project));
  assertEnded(release, 'done');
  assert.deepEqual(await overrideOf(project), { type: 'fixed', variant: 'on', release: release.id });
  const { changes } = await project.api<FlagChangesResponse>('GET', '/v1/flag-changes?flag=checkout-v2');
  assert.deepEqual(
    changes.map(({ change }) => [change.verb, change.release, change.by, change.reason]),
    Array.from({ length: 3 }, () => ['rollout', release.id, 'dana', 'a launch']),
  );
  const { entries } = await project.release(release.id);
  for (const [stage, judge] of [
    [0, 1],
    [2, 3],
  ] as const) {
    const done = entries.findIndex(({ fact }) => fact.kind === 'step-done' && fact.index === judge);
    const said = entries
      .slice(0, done)
      .findLast(({ fact }) => fact.kind === 'verdict' && fact.stage === stage);
    assert.ok(said?.fact.kind === 'verdict', `step ${judge + 1} has evidence of its own`);
    assert.equal(said.fact.verdict, 'better-or-same');
  }
  const back = await say(project, 'rollback', 'dana', { to: null });
  assertEnded(await project.ended(back.release.id), 'done');
  assert.equal(await overrideOf(project), null);
  await refused('NOTHING_TO_ROLL_BACK_TO', say(project, 'rollback', 'dana', { to: null }));
  const { failures } = await load.stop();
  assert.deepEqual(failures, []);
});

it('carries on when control is killed half way, and forgets nothing that it saw', async (t) => {
  const project = await serving(t);
  const load = visitors(t, project);
  const id = await begin(project);
  assert.ok(await project.eventually(async () => (percentOf(await overrideOf(project)) ?? 0) >= 10));
  await project.killControl();
  const { versions } = load.stats();
  const before = versions['on']?.requests ?? 0;
  assert.ok(await project.eventually(() => (load.stats().versions['on']?.requests ?? 0) > before));
  await project.up();
  assertEnded(await judged(project, id), 'done');
  const { entries } = await project.release(id);
  assert.ok(entries.some(({ fact }) => fact.kind === 'release-resumed'));
  assert.deepEqual((await load.stop()).failures, []);
});

it('ends at once when somebody turns the flag off, and leaves it off', async (t) => {
  const project = await serving(t);
  const load = visitors(t, project);
  const id = await begin(project, { evidence: false, approve: true });
  assert.ok(await project.eventually(async () => percentOf(await overrideOf(project)) === 10));
  const change = (to: object) =>
    project.api('POST', '/v1/flags/checkout-v2/change', { to, by: 'eve', reason: 'payments fail' });
  assert.match(await refused('FLAG_REFUSED', change({ type: 'on' })), new RegExp(`${id} rolls it out`));
  await change({ type: 'off' });
  const release = await project.ended(id);
  assertEnded(release, 'rolled-back');
  assert.match(why(release), /^FLAG_TAKEN: /);
  assert.deepEqual(await overrideOf(project), { type: 'fixed', variant: 'off' });
  assert.deepEqual((await load.stop()).failures, []);
});

it('does what people say: waits, goes on, is shown where it is, and goes back in one write', async (t) => {
  const project = await serving(t);
  const id = await begin(project, { percents: [1, 20], evidence: false, approve: true });
  await refused('RELEASE_ACTIVE', order(project));
  const waits = async () => {
    const { rollouts = [] } = await project.api<StatusResponse>('GET', '/v1/status');
    return rollouts[0]?.release.waiting?.next ?? null;
  };
  assert.ok(await project.eventually(async () => (await waits()) === 'segue approve flag:checkout-v2'));
  const status = await cli(project.root, ['status']);
  assert.match(status.out, /flag:checkout-v2\n {2}r2 waiting.*rollout off -> on, 1% to on/);
  const completed = await cli(project.root, ['__complete', 'service']);
  assert.deepEqual(completed.out.split('\n').filter(Boolean), ['web', 'flag:checkout-v2']);
  const gate = await cli(project.root, ['show', id, '--json']);
  assert.match(gate.out, /"kind": "share"|"kind":"share"/);
  await say(project, 'pause');
  await say(project, 'approve', 'eve');
  assert.ok(await project.eventually(async () => (await waits()) === 'segue resume flag:checkout-v2'));
  assert.equal(percentOf(await overrideOf(project)), 1);
  await say(project, 'resume');
  assert.ok(await project.eventually(async () => percentOf(await overrideOf(project)) === 20));
  await say(project, 'abort');
  const release = await project.ended(id);
  assertEnded(release, 'rolled-back');
  assert.match(why(release), /^RELEASE_ABORTED/);
  assert.equal(await overrideOf(project), null);
  const { entries } = await project.release(id);
  const back = entries.filter(({ fact }) => fact.kind === 'flag-changed');
  assert.equal(back.length, 3, 'two steps up and one write back');
});

it('waits for the second person where two decide, whatever the first one says', async (t) => {
  const top = 'flags: { reason: true, approvals: [{ flags: [checkout-*], by: [chris] }] }';
  const project = await serving(t, { top });
  await refused('FLAG_REFUSED', order(project, { reason: '' }));
  const id = await begin(project, { evidence: false, forMs: 1, percents: [50] });
  const isAsking = async () => (await project.release(id)).summary.waiting?.for === 'approval';
  assert.ok(await project.eventually(isAsking));
  for (const by of ['dana', 'eve']) {
    await refused('FLAG_REFUSED', say(project, 'approve', by));
    await refused('FLAG_REFUSED', say(project, 'promote', by, { extent: 'now' }));
  }
  assert.equal(await overrideOf(project), null);
  await say(project, 'approve', 'chris');
  assertEnded(await project.ended(id), 'done');
  const { changes } = await project.api<FlagChangesResponse>('GET', '/v1/flag-changes?flag=checkout-v2');
  assert.equal(changes[0]?.change.approvedBy, 'chris');
});

it('refuses what has no meaning, and never goes on where nobody could tell', async (t) => {
  const project = await serving(t);
  assert.match(await refused('FLAG_REFUSED', order(project, {}, 'unseen')), /No gateway evaluates unseen/);
  await refused('FLAG_UNKNOWN', order(project, {}, 'nothing'));
  assert.match(await refused('FLAG_REFUSED', order(project, { to: 'blue' })), /no variant "blue"/);
  assert.match(await refused('FLAG_REFUSED', order(project, { to: 'off' })), /has "off" already/);
  assert.match(await refused('FLAG_REFUSED', order(project, { from: 'on' })), /"off" now, not "on"|already/);
  assert.match(await refused('FLAG_REFUSED', order(project, { service: 'api' })), /requests of api/);
  assert.match(await refused('FLAG_REFUSED', order(project, { percents: [100] })), /No step is left/);
  // Seen by nobody and asked for no evidence: by time, as somebody wanted it.
  const timed = await order(project, { evidence: false, forMs: 1 }, 'unseen');
  assertEnded(await project.ended(timed.release.id), 'done');
  // Evaluated, and without a single request: it holds.
  const id = await begin(project);
  assert.ok(await project.eventually(async () => percentOf(await overrideOf(project)) === 10));
  const { standing } = await project.release(id);
  assert.ok(standing === null || standing.verdict === 'not-enough-evidence');
  await say(project, 'abort');
  assertEnded(await project.ended(id), 'rolled-back');
});

it('is as its file says when that becomes another flag under it, and outlives a broken file', async (t) => {
  const project = await serving(t);
  const file = path.join(project.root, 'flags/shop.flagd.yaml');
  const id = await begin(project, { evidence: false, approve: true });
  assert.ok(await project.eventually(async () => percentOf(await overrideOf(project)) === 10));
  await writeFile(file, 'flags: [');
  const troubled = async () => (await project.api<FlagsResponse>('GET', '/v1/flags')).trouble.length > 0;
  assert.ok(await project.eventually(troubled));
  assert.equal(percentOf(await overrideOf(project)), 10);
  await writeFile(file, flagFile().replace('defaultVariant: off', 'defaultVariant: on'));
  const release = await project.ended(id);
  assertEnded(release, 'rolled-back');
  assert.match(why(release), /^FLAG_MOVED/);
  assert.equal(await overrideOf(project), null);
});

it('and a release beside it are judged apart: who brings the fault goes back, and nobody else', async (t) => {
  const strategy = '    strategy: { type: canary, steps: [{ weight: 50, until: evidence }], bake: 100ms }';
  const project = await serving(t, { strategy });
  const load = visitors(t, project);
  const id = await begin(project, { percents: [50], evidence: false, approve: true });
  assert.ok(await project.eventually(async () => (await project.release(id)).summary.waiting !== null));
  // Only where the new variant meets the new version.
  await build(project, 'v2', ['on']);
  const release = await project.deploy('v2');
  assertEnded(release, 'rolled-back');
  assert.match(why(release), /^CANDIDATE_(WORSE|BROKEN)/);
  const { summary, judging } = await project.release(id);
  assert.equal(summary.state, 'running', JSON.stringify(summary.why));
  assert.ok((judging?.report[0]?.candidate.requests ?? 0) > 0);
  assert.equal(judging?.report.length, 1, 'of the version that serves');
  assert.equal(judging?.report[0]?.candidate.errors, 0);
  await load.stop();
  await say(project, 'abort');
  assertEnded(await project.ended(id), 'rolled-back');
});

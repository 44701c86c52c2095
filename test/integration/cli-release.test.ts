/**
 * Hunts what only the whole shows: a verb that control does not understand, an exit code that hides a bad
 * release, Ctrl-C that takes a release with it, a follower that a dying control confuses.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, test } from 'node:test';
import type { ReleaseResponse, StatusResponse, TrafficResponse } from '../../src/wire/api.ts';
import { eventually } from '../contract/eventually.ts';
import { cli, type CliResult, endCli, startCli } from '../support/cli.ts';
import { steadyLoad } from '../support/steady-load.ts';
import { TestProject } from '../support/test-project.ts';

const projects: TestProject[] = [];
after(async () => {
  endCli();
  await Promise.all(projects.map((project) => project.remove()));
});

async function create(options: Parameters<typeof TestProject.create>[0] = {}): Promise<TestProject> {
  const project = await TestProject.create(options);
  projects.push(project);
  return project;
}

async function ok(project: TestProject, ...words: string[]): Promise<CliResult> {
  const result = await cli(project.root, words);
  assert.equal(result.exitCode, 0, `${words.join(' ')}:\n${result.out}${result.err}`);
  return result;
}

const json = <T>(result: CliResult, guard: (value: unknown) => value is T): T => {
  const value: unknown = JSON.parse(result.out);
  assert.ok(guard(value), result.out);
  return value;
};
const isRelease = (value: unknown): value is ReleaseResponse =>
  typeof value === 'object' && value !== null && 'summary' in value && 'entries' in value;
const isStatus = (value: unknown): value is StatusResponse =>
  typeof value === 'object' && value !== null && 'services' in value;
const isTraffic = (value: unknown): value is TrafficResponse =>
  typeof value === 'object' && value !== null && 'services' in value && 'running' in value;

test('the verbs, from up to down', async () => {
  const project = await create();
  await project.build('v1');
  await project.build('v2');
  await project.build('v3', { ready: false });

  assert.match(
    (await ok(project, 'up')).out,
    /^up: test\n {2}web +http:\/\/127\.0\.0\.1:\d+ +nothing deployed yet\nnext: segue deploy web/,
  );
  assert.match((await ok(project, 'up')).out, /^up: test/, 'again is harmless');
  assert.match(
    (await ok(project, 'plan', '--version', 'v1', '--dir', 'builds/v1')).out,
    /The way back \(nothing serves yet\)/,
  );

  const first = await ok(project, 'deploy', 'web', '--version', 'v1', '--dir', 'builds/v1');
  assert.match(first.out, /\[1\/\d+\] start 2 instances of v1 .* \.\.\.\n/);
  assert.match(first.out, /\ndone: v1 serves web, after /);
  assert.match(
    (await ok(project, 'deploy', '--version', 'v1', '--dir', 'builds/v1')).out,
    /v1 serves web already/,
  );

  // Relative to where the user stands, not to the project.
  const second = await cli(path.join(project.root, 'builds/v2'), [
    'deploy',
    '--version',
    'v2',
    '--dir',
    '.',
    '--json',
  ]);
  assert.equal(second.exitCode, 0, second.out);
  assert.equal(json(second, isRelease).summary.state, 'done');

  await project.writeFile({ readiness: '/ready' });
  const status = await ok(project, 'status');
  assert.match(status.out, /v2 serves, v1 before, 2 of 2 ready/);
  assert.equal(json(await ok(project, 'status', '--json'), isStatus).services[0]?.stable, 'v2');

  const shown = await ok(project, 'show', 'r2');
  for (const part of ['Plan', 'The way back to v1', 'Timeline', 'Requests', 'ended: done'])
    assert.ok(shown.out.includes(part), part);
  assert.match((await ok(project, 'releases', '--limit', '1')).out, /^RELEASE.*\nr2 .*done.*\n$/);
  assert.equal((await ok(project, '__complete', 'instance')).out.split('\n').length, 3);

  const back = await ok(project, 'rollback', '--reason', 'to see it');
  assert.match(back.out, /done: v1 serves web/);
  const unknown = await cli(project.root, ['deploy', 'wbe', '--version', 'v9']);
  assert.equal(unknown.exitCode, 2);
  assert.match(unknown.err, /^error SERVICE_UNKNOWN/);
  const missing = await cli(project.root, ['show', 'r99']);
  assert.match(missing.err, /^error RELEASE_UNKNOWN/);
  const changed = await cli(project.root, ['deploy', '--version', 'v2', '--dir', 'builds/v1']);
  assert.equal(changed.exitCode, 5);
  assert.match(changed.err, /^error VERSION_EXISTS/);

  await ok(project, 'down');
  assert.equal((await cli(project.root, ['status'])).exitCode, 5);
});

test('a version that is not ready: exit code 3, the reason and who serves', async () => {
  const project = await create();
  await project.build('v1');
  await project.build('bad', { exitAfterMs: 0 });
  await ok(project, 'up');
  await ok(project, 'deploy', '--version', 'v1', '--dir', 'builds/v1');
  const bad = await cli(project.root, ['deploy', '--version', 'bad', '--dir', 'builds/bad']);
  assert.equal(bad.exitCode, 3, bad.out);
  assert.match(bad.out, /rolled back after .*: v1 serves as before\n/);
  assert.match(bad.out, /cannot go on: the reason is here/);
  await ok(project, 'down');
});

test('Ctrl-C leaves the release alone; it can be followed and taken back', async () => {
  const project = await create({ service: '    strategy: { type: rolling, bake: 60s }' });
  await project.build('v1');
  await project.build('v2');
  await ok(project, 'up');
  const first = startCli(project.root, ['deploy', '--version', 'v1', '--dir', 'builds/v1']);
  await eventually('v1 bakes', () => first.output().includes('bake for 1m ...'));
  first.child.kill('SIGINT');
  const { exitCode, err } = await first.result;
  assert.equal(exitCode, 4);
  assert.match(
    err,
    /^error STILL_RUNNING: .*\n {2}Follow: segue show r1 --follow\. Take back: segue abort web\./,
  );

  const busy = await cli(project.root, ['deploy', '--version', 'v2', '--dir', 'builds/v2']);
  assert.equal(busy.exitCode, 5);
  assert.match(busy.err, /^error RELEASE_ACTIVE/);

  const follower = startCli(project.root, ['show', 'r1', '--follow']);
  await eventually('it is followed', () => follower.output().includes('bake for 1m ...'));
  const abort = await ok(project, 'abort', '--reason', 'enough');
  assert.match(abort.out, /abort asked by .*: enough\n/);
  assert.match(abort.out, /rolled back after .*: nothing serves, as before/);
  assert.equal((await follower.result).exitCode, 3);
  await ok(project, 'down');
});

test('a follower outlives control: killed in the middle, started again, followed to the end', async () => {
  const project = await create({ service: '    strategy: { type: rolling, bake: 2s }' });
  await project.build('v1');
  await project.up();
  const deploy = startCli(project.root, ['deploy', '--version', 'v1', '--dir', 'builds/v1']);
  await eventually('it bakes', () => deploy.output().includes('bake for 2s ...'));
  await project.killControl();
  await ok(project, 'up');
  const { exitCode, out } = await deploy.result;
  assert.equal(exitCode, 0, out);
  assert.match(out, /done: v1 serves web/);
  assert.equal(out.match(/\[1\/\d+\] .* \.\.\./g)?.length, 1, 'nothing is told twice');
  await ok(project, 'down');
});

test('logs: the last lines with their instance, and a missing instance is an error', async () => {
  const project = await create({ instances: 1, command: 'node say.mjs' });
  const dir = await project.build('v1');
  await writeFile(
    path.join(dir, 'say.mjs'),
    'console.log("first");\nconsole.log("second");\nawait import("./server.mjs");\n',
  );
  await ok(project, 'up');
  await ok(project, 'deploy', '--version', 'v1', '--dir', 'builds/v1');
  assert.equal((await ok(project, 'logs', '--lines', '1')).out, 'web-r1-1 | second\n');
  const missing = await cli(project.root, ['logs', '--instance', 'web-r9-9']);
  assert.match(missing.err, /^error INSTANCE_UNKNOWN/);
  const wrong = await cli(project.root, ['logs', '--lines', 'many']);
  assert.match(wrong.err, /^error USAGE: .*\n {2}--lines: expected a whole number/);
  await ok(project, 'down');
});

test('traffic: what the clients did in the last seconds, by version, and nothing where there was nothing', async (t) => {
  const project = await create({ instances: 1 });
  await project.build('v1');
  await ok(project, 'up');
  await ok(project, 'deploy', '--version', 'v1', '--dir', 'builds/v1');
  assert.match((await ok(project, 'traffic')).out, /\n {2}v1 +- +0 +- +- +- +- +0 +0\n/);
  const load = steadyLoad(t, project.port);
  const traffic = await eventually('the load is seen', async () => {
    const now = json(await ok(project, 'traffic', 'web', '--json'), isTraffic);
    return (now.services[0]?.versions[0]?.weights[0]?.requests ?? 0) > 20 ? now : null;
  });
  const [version] = traffic.services[0]?.versions ?? [];
  const [weight] = version?.weights ?? [];
  assert.deepEqual([version?.version, weight?.share, weight?.errorShare], ['v1', 1, 0]);
  assert.ok((weight?.perSecond ?? 0) > 0 && (weight?.p99Ms ?? 0) >= (weight?.p50Ms ?? Infinity));
  assert.match((await ok(project, 'traffic')).out, /\n {2}v1 +100% +█{20} +\d+ +0% /);
  await load.stop();
  const unknown = await cli(project.root, ['traffic', 'wbe']);
  assert.match(unknown.err, /^error SERVICE_UNKNOWN/);
  const watched = startCli(project.root, ['traffic', '--watch', '--json']);
  await eventually('it is shown twice', () => watched.output().split('\n').length > 2);
  watched.child.kill('SIGINT');
  assert.equal((await watched.result).exitCode, 0);
  await ok(project, 'down');
});

test('logs --access: the requests, of one service, with their instance', async () => {
  const project = await create({ instances: 1 });
  await project.build('v1');
  await ok(project, 'up');
  await ok(project, 'deploy', '--version', 'v1', '--dir', 'builds/v1');
  const off = await cli(project.root, ['logs', '--access']);
  assert.equal(off.exitCode, 2);
  assert.match(off.err, /^error ACCESS_LOG_OFF/);
  await project.writeFile({ instances: 1, top: 'gateway: { accessLog: true }' });
  await ok(project, 'up');
  await fetch(`http://127.0.0.1:${project.port}/a?secret=1`);
  const line = await eventually('it is written', async () => (await ok(project, 'logs', '--access')).out);
  assert.match(line, /^\d\d:\d\d:\d\d 200 GET 127\.0\.0\.1\/a [\d.]+m?s \S+ B web-r1-1\n$/);
  const [asked = ''] = (await ok(project, 'logs', 'web', '--access', '--json', '--lines', '1')).out.split(
    '\n',
  );
  assert.match(asked, /^\{"time":".*"path":"\/a","status":200,"outcome":"answered"/);
  await ok(project, 'down');
});

test('up says why control did not start', async () => {
  const project = await create();
  await ok(project, 'up');
  await ok(project, 'down');
  await writeFile(
    path.join(project.root, '.segue/journal.db'),
    'this is not a database at all, and never was one',
  );
  const { exitCode, err } = await cli(project.root, ['up']);
  assert.equal(exitCode, 1);
  assert.match(err, /^error JOURNAL_DAMAGED/);
});

/**
 * Hunts sessions that a restart of control or of the gateway forgets, that a release moves to and fro, or that a
 * rollback leaves with the version that was taken back; and a preview that others than those it names can see.
 */
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { assertEnded } from '../support/outcome.ts';
import { type ProjectOptions, TestProject } from '../support/test-project.ts';
import { ask } from './gateway-harness.ts';

const STICKY = ', sticky: { cookie: shop-session, ttl: 1h }';

async function serving(t: TestContext, options: ProjectOptions): Promise<TestProject> {
  const project = await TestProject.create(options);
  t.after(() => project.remove());
  await project.up();
  await project.build('v1');
  await project.build('v2');
  assertEnded(await project.deploy('v1'), 'done');
  return project;
}

/** A browser: keeps what it was told. */
class Visitor {
  readonly #port: number;
  cookie = '';
  told = false;

  constructor(port: number) {
    this.#port = port;
  }

  async visit(where = '/'): Promise<string> {
    const { status, headers } = await ask(this.#port, { path: where, headers: { cookie: this.cookie } });
    assert.equal(status, 200);
    const [line] = headers['set-cookie'] ?? [];
    this.told = line !== undefined;
    if (line !== undefined) this.cookie = line.slice(0, line.indexOf(';'));
    return `${String(headers['x-shop-version'])} ${String(headers['x-instance'])}`;
  }
}

test('sessions outlive control and the gateway; the key is for its owner only', async (t) => {
  const project = await serving(t, { instances: 3, traffic: STICKY });
  const visitors = Array.from({ length: 12 }, () => new Visitor(project.port));
  const visit = () => Promise.all(visitors.map((visitor) => visitor.visit()));
  const homes = await visit();
  assert.ok(visitors.every(({ cookie }) => cookie.startsWith('shop-session=')));
  const unmoved = async (after: string) => {
    assert.deepEqual(await visit(), homes, after);
    assert.ok(
      visitors.every(({ told }) => !told),
      after,
    );
  };
  await unmoved('at once');
  await project.killControl();
  await unmoved('without control');
  await project.up();
  await unmoved('with another control');
  const before = (await project.status()).gateway.pid;
  assert.ok(before);
  process.kill(before, 'SIGKILL');
  const back = await project.eventually(async () => {
    const { gateway } = await project.status();
    return gateway.pid !== before && (await project.allServe()) && (await ask(project.port)).status === 200;
  });
  assert.ok(back);
  await unmoved('with another gateway');
  const { mode } = await stat(path.join(project.root, '.segue', 'journal.db'));
  assert.equal(mode & 0o077, 0);
});

test('a release moves a session once and never back; a rollback takes it along', async (t) => {
  const project = await serving(t, { instances: 2, traffic: STICKY, service: '    strategy: rolling' });
  const visitor = new Visitor(project.port);
  const homes: string[] = [await visitor.visit()];
  const release = await project.begin('v2');
  const done = await project.eventually(async () => {
    homes.push(await visitor.visit());
    return (await project.release(release)).release.endedAtMs !== null;
  });
  assert.ok(done);
  const versions = homes.map((home) => home.slice(0, 2));
  assert.deepEqual(versions.toSorted(), versions, 'never back to v1 once on v2');
  assert.match(await visitor.visit(), /^v2 /);
  const home = await visitor.visit();
  for (let i = 0; i < 5; i += 1) assert.equal(await visitor.visit(), home);
  assertEnded(await project.rollback(), 'done');
  assert.match(await visitor.visit(), /^v1 /);
});

test('a preview is seen by those whom its rule names, and an abort leaves nobody with it', async (t) => {
  const strategy = '{ type: blue-green, preview: { for: 1h, when: { query: { beta: 1 } } } }';
  const project = await serving(t, { traffic: STICKY, service: `    strategy: ${strategy}` });
  const [curious, other] = [new Visitor(project.port), new Visitor(project.port)];
  const home = await other.visit();
  const release = await project.begin('v2');
  const seen = await project.eventually(async () => (await curious.visit('/?beta=1')).startsWith('v2 '));
  assert.ok(seen);
  assert.equal(await other.visit(), home);
  assert.match(await other.visit('/?beta=2'), /^v1 /);
  assert.match(await curious.visit('/'), /^v1 /);
  assert.match(await curious.visit('/?beta=1'), /^v2 /);
  await project.abort();
  await project.ended(release);
  assert.match(await curious.visit('/?beta=1'), /^v1 /);
  assert.equal(await other.visit(), home);
});

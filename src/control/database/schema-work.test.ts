/**
 * Hunts a way back that waits for somebody's long backfill, a backfill that does not go on behind it or forgets what
 * was asked of it, an abort that nobody hears while the database is busy or silent, and a change that is taken back
 * under somebody else's feet. The journal is a real one.
 */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { type FakeDatabase, fakeDesk } from '../../../test/support/fake-database.ts';
import { releaseOf } from '../../../test/support/release-records.ts';
import { serviceSpec } from '../../../test/support/service-spec.ts';
import type { ChangeRunner, Progress, Watch } from '../../core/database/runner.ts';
import { SegueError } from '../../core/errors.ts';
import type { ReleaseRecord, VersionRecord } from '../../core/release/records.ts';
import { BEGIN } from '../../core/release/state.ts';
import type { Step } from '../../core/release/step.ts';
import { TrafficWindow } from '../../core/traffic/traffic-window.ts';
import { systemClock } from '../../drivers/clock/system.ts';
import type { TrafficPlane } from '../../ports/traffic-plane.ts';
import { brokenBy } from './broken.ts';
import { SchemaWork } from './schema-work.ts';

const OLD = { name: '0001-a', digest: '0001-a' };
const NEW = { name: '0002-b', digest: '0002-b' };
const FILL = { kind: 'backfill', changes: [NEW], until: 'done' } as const;

async function work(t: TestContext, acts: Partial<ChangeRunner>, phases: FakeDatabase['phases'] = {}) {
  const database: FakeDatabase = { folder: [OLD.name, NEW.name], phases, acts };
  const { ledger, desk } = await fakeDesk(t, database);
  const failed: SegueError[] = [];
  const parts = { clock: systemClock, ledger, window: new TrafficWindow(), services: () => [] };
  // Nobody serves, so nobody is asked how fast.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const plane = { report: () => null } as unknown as TrafficPlane;
  const fail = (_: string, error: SegueError) => void failed.push(error);
  const made = new SchemaWork({ ...parts, desk, latency: { ...parts, plane }, fail });
  t.after(() => made.close());
  return { work: made, failed, ledger };
}

const askerOf = (signal: AbortSignal) => ({ release: 'r3', service: 'api', signal });

/** Goes on until it is stopped, or until `over`. */
class Backfill {
  readonly runs: Pick<Watch, 'goesOn'>[] = [];
  over = false;
  underWay = false;

  readonly run: ChangeRunner['backfill'] = async (_folder, change, watch = {}) => {
    const { goesOn, signal } = watch;
    this.runs.push({ ...(goesOn === undefined ? {} : { goesOn }) });
    this.underWay = true;
    try {
      while (!this.over) {
        if (signal?.aborted) throw new SegueError('BACKFILL_STOPPED', `${change} is at row 1.`);
        watch.onProgress?.({ ...PROGRESS, change });
        await sleep(1);
      }
    } finally {
      this.underWay = false;
    }
  };
}

const PROGRESS: Progress = {
  ...{ change: '', job: 'fill', table: 'people', rows: 1, total: 100, rowsPerSecond: 1, leftMs: null },
  ...{ pauseMs: 0, state: 'running' },
};

async function eventually(is: () => boolean): Promise<void> {
  while (!is()) await sleep(1);
}

test('whatever else is asked of the database comes between two batches, and the backfill goes on', async (t) => {
  const fill = new Backfill();
  const beside: boolean[] = [];
  const act = () => {
    beside.push(fill.underWay);
    return Promise.resolve();
  };
  const acts = { backfill: fill.run, restore: act, expand: act, contract: act };
  const { work: schema, failed } = await work(t, acts);
  const { signal } = new AbortController();
  const filled = schema.filled(FILL, releaseOf('done'), signal);
  await eventually(() => fill.underWay);
  await schema.restore(OLD, askerOf(signal));
  await eventually(() => fill.underWay);
  await Promise.all([schema.expand(NEW, askerOf(signal)), schema.contract(OLD.name, false, signal)]);
  assert.deepEqual(beside, [false, false, false], 'one act at a time');
  await eventually(() => fill.runs.length === 3);
  fill.over = true;
  await filled;
  assert.deepEqual(
    fill.runs.map(({ goesOn }) => goesOn),
    [false, true, true],
    'what was asked of it meanwhile holds',
  );
  assert.deepEqual(failed, []);
});

test('a backfill that was cancelled by hand stays cancelled, also while others ask', async (t) => {
  let cancelled = false;
  const backfill: ChangeRunner['backfill'] = async (_folder, change, watch = {}) => {
    watch.onProgress?.({ ...PROGRESS, change });
    while (!cancelled && !watch.signal?.aborted) await sleep(1);
    cancelled &&= watch.goesOn !== false;
    throw new SegueError('BACKFILL_STOPPED', `${change} ${cancelled ? 'was cancelled' : 'is at row 1'}.`);
  };
  const restore = () => Promise.resolve(void (cancelled = true));
  const { work: schema } = await work(t, { backfill, restore });
  const { signal } = new AbortController();
  const filled = schema.filled(FILL, releaseOf('done'), signal);
  filled.catch(() => undefined);
  await eventually(() => schema.progress.length > 0);
  await schema.restore(OLD, askerOf(signal));
  await assert.rejects(filled, { code: 'BACKFILL_STOPPED', message: /was cancelled/ });
});

const silent = () => new Promise<never>(() => undefined);

for (const act of ['restore', 'expand'] as const)
  test(`an abort of its ${act} is heard while the database is silent, and by one that waits for it`, async (t) => {
    const { work: schema } = await work(t, { restore: silent, expand: silent });
    const abort = new AbortController();
    const ended = ['under way', 'waiting'].map((where) =>
      assert.rejects(schema[act](OLD, askerOf(abort.signal)), /enough/, where),
    );
    await sleep(10);
    abort.abort(new Error('enough'));
    await Promise.all(ended);
  });

test('who waited and left is nobody’s turn: the next one has it', async (t) => {
  let go = (): void => undefined;
  const first = new Promise<void>((resolve) => (go = resolve));
  const done: string[] = [];
  const restore: ChangeRunner['restore'] = async (_folder, name) => {
    if (name === OLD.name) await first;
    done.push(name);
  };
  const { work: schema } = await work(t, { restore });
  const { signal } = new AbortController();
  const abort = new AbortController();
  const slow = schema.restore(OLD, askerOf(signal));
  await sleep(5);
  const left = assert.rejects(schema.restore(NEW, askerOf(abort.signal)), /left/);
  const next = schema.restore(NEW, askerOf(signal));
  await sleep(5);
  abort.abort(new Error('left'));
  await left;
  assert.deepEqual(done, []);
  go();
  await Promise.all([slow, next]);
  assert.deepEqual(done, [OLD.name, NEW.name]);
});

const deploy = (id: string, service: string): ReleaseRecord => {
  const record: ReleaseRecord = { ...releaseOf('done'), id, service, state: BEGIN, endedAtMs: null };
  const { plan } = record;
  const steps: Step[] = [
    { kind: 'expand', change: NEW },
    { ...FILL, changes: [OLD, NEW], until: 'begun' },
    { ...FILL, changes: [OLD, NEW] },
  ];
  return { ...record, plan: { ...plan, steps: [...steps, ...plan.steps] } };
};

const madeWith = (service: string, ...changes: string[]): VersionRecord => ({
  ...{ service, version: 'v2', digest: '', filesDigest: '', files: 0, bytes: 0, spec: serviceSpec() },
  ...{ keptAtMs: 0, removed: false, changes },
});

test('a broken change is taken back only where nobody else was made with it', async (t) => {
  const reverted: string[] = [];
  const revert: ChangeRunner['revert'] = (_folder, name) => Promise.resolve(void reverted.push(name));
  const phases = { [OLD.name]: 'expanded', [NEW.name]: 'expanded' } as const;
  const { work: schema, ledger } = await work(t, { revert }, phases);
  const group = ['r2', 'r3'].map((release) => ({ release, service: release, after: [] }));
  await ledger.write(() => ({
    facts: [],
    changes: [
      { put: 'release', record: { ...deploy('r2', 'web'), group } },
      { put: 'version', record: madeWith('web', OLD.name, NEW.name) },
      { put: 'release', record: { ...deploy('r3', 'mail'), group } },
      { put: 'version', record: madeWith('mail', OLD.name, NEW.name) },
      { put: 'release', record: deploy('r4', 'api') },
      { put: 'version', record: madeWith('api', OLD.name) },
    ],
  }));
  const asker = { release: 'r2', service: 'web', signal: new AbortController().signal };
  assert.equal(await schema.takeBack(OLD, asker), 'it stays: r4 releases v2 of api');
  assert.equal(await schema.takeBack(NEW, asker), 'taken back', 'its companion goes back with it');
  assert.deepEqual(reverted, [NEW.name]);
});

test('a change that cannot be made whole goes back, also where an earlier release expanded it', () => {
  const wrong = { code: 'DATABASE_STATEMENT_FAILED', detail: '' } as const;
  assert.deepEqual(brokenBy(wrong, deploy('r2', 'web')), [OLD, NEW]);
  assert.deepEqual(brokenBy({ ...wrong, code: 'RELEASE_ABORTED' }, deploy('r2', 'web')), []);
});

/**
 * Hunts roll-outs and releases that get in each other's way over a flag: one that goes on over a flag that was lowered,
 * one that the other one's step kills half way, and a file or a way back that brings a flag above its ceiling meanwhile.
 * The store, the desk of flags and what decides are the real ones; steps are carried out by hand.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { withCode } from '../../../test/contract/with-code.ts';
import {
  instanceRecord,
  releaseRecord,
  serviceRecord,
  versionRecord,
} from '../../../test/contract/records.ts';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { serviceSpec } from '../../../test/support/service-spec.ts';
import type { SegueError } from '../../core/errors.ts';
import { DEFAULT_FLAGS } from '../../core/flags/choices.ts';
import type { Override } from '../../core/flags/override.ts';
import { rolloutBack } from '../../core/flags/rollout.ts';
import { beginEvidence } from '../../core/judge/evidence.ts';
import type { StrategyChoice } from '../../core/project.ts';
import type { Fact } from '../../core/release/journal.ts';
import type { ReleaseRecord } from '../../core/release/records.ts';
import type { Step } from '../../core/release/step.ts';
import { EMPTY_ROTATION } from '../../core/traffic/rotation.ts';
import { openSqliteStore } from '../../drivers/store/sqlite/open.ts';
import type { Change } from '../../ports/store.ts';
import type { FlagRolloutRequest } from '../../wire/flag-api.ts';
import { Ledger } from '../ledger.ts';
import type { ControlPorts } from '../ports.ts';
import { FlagDesk } from './flag-desk.ts';
import { FlagRaises } from './flag-raises.ts';
import { RolloutDesk, type RolloutDeskParts } from './rollout-desk.ts';
import { type RolloutParts, RolloutWork } from './rollout-work.ts';

const ORDER: FlagRolloutRequest = {
  ...{ to: 'on', from: null, percents: [10, 50], evidence: false, forMs: 1_000, approve: false },
  ...{ service: null, by: 'dana', reason: '' },
};
const OFF: Override = { type: 'fixed', variant: 'off' };
const RAISING: StrategyChoice = {
  ...{ type: 'rolling', surge: 1, unavailable: 0, batch: null, bakeMs: 0 },
  flags: [{ flag: 'checkout', variant: null, percent: 100, forMs: 0, evidence: false, approve: false }],
};

const fileOf = (byDefault: string, more = '') => `flags:
  checkout:
    state: ENABLED
    variants: { on: true, off: false }
    defaultVariant: ${byDefault}
    metadata: { release: web@v2${more} }
`;

/** Every request goes to v2, which has the code, beside v1, which has not. */
async function scene(t: TestContext) {
  const root = await mkdtemp(path.join(os.tmpdir(), 'segue-rollout-desk-'));
  const store = await openSqliteStore({ root });
  t.after(async () => {
    await store.close();
    await rm(root, { recursive: true });
  });
  const clock = new FakeClock();
  const ledger = await Ledger.open(store, clock);
  const write = (...changes: Change[]) => ledger.write(() => ({ facts: [], changes }));
  await write(
    { put: 'version', record: versionRecord('v1') },
    { put: 'version', record: versionRecord('v2', { keptAtMs: 2_000 }) },
    { put: 'instance', record: instanceRecord('web-1') },
    { put: 'instance', record: instanceRecord('web-2', { version: 'v2' }) },
  );
  const serve = (...instances: string[]) => {
    const record = serviceRecord('web', { stable: 'v2', rotation: { ...EMPTY_ROTATION, instances } });
    return write({ put: 'service', record });
  };
  await serve('web-2');
  const file = { text: fileOf('off') };
  const flagSource = {
    read: () => Promise.resolve([{ name: 'flags/shop.flagd.yaml', text: file.text }]),
    watch: () => undefined,
  };
  const ports = { store, clock, flagSource } as unknown as ControlPorts;
  const choices = () => DEFAULT_FLAGS;
  const desk = new FlagDesk({ ports, ledger, choices, onFault: assert.ifError });
  await desk.look();
  const failures: string[] = [];
  const engine = {
    run: () => undefined,
    fail: (release: string, { code }: SegueError) => failures.push(`${release} ${code}`),
  };
  const judge = {
    begin: ({ id, service, from, to }: ReleaseRecord) => ({
      ...{ put: 'evidence', release: id },
      record: beginEvidence({ release: id, service, from, to }, []),
    }),
  };
  const parts = { ports, ledger, desk, engine, judge, choices, orders: {}, services: () => [] };
  const rollouts = new RolloutDesk({ ...parts, isService: () => false } as unknown as RolloutDeskParts);
  const raises = new FlagRaises({ ledger, desk, clock, choices });
  const work = new RolloutWork({ ports, ledger, desk, traffic: {}, judge } as unknown as RolloutParts);

  const at = (release: ReleaseRecord, index: number, underWay = false) => {
    const record: ReleaseRecord = { ...release, state: { phase: 'forward', at: index, underWay } };
    return write({ put: 'release', record });
  };
  const shareBy = async (release: ReleaseRecord, step: Step | undefined) => {
    assert.ok(step?.kind === 'share');
    const asked = { flag: 'checkout', override: step.override, by: 'dana', reason: '' };
    assert.ok(await desk.roll({ ...asked, release: release.id, approvedBy: null, may: () => true }));
  };
  /** As its first step does. */
  const share = async (release: ReleaseRecord) => {
    await at(release, 0, true);
    await shareBy(release, release.plan.steps[0]);
  };
  const shareLast = (release: ReleaseRecord) =>
    shareBy(
      release,
      release.plan.steps.findLast(({ kind }) => kind === 'share'),
    );
  const end = (release: ReleaseRecord) =>
    write(
      {
        put: 'release',
        record: { ...release, state: { phase: 'ended', outcome: 'done', cause: null }, endedAtMs: 1 },
      },
      { put: 'service', record: { ...ledger.service(release.service), activeRelease: null } },
    );
  return { ledger, desk, rollouts, raises, work, failures, file, write, serve, share, shareLast, end };
}

const lowered = { verb: 'lower', override: OFF, by: 'r9', reason: '', undoes: null, anyway: true } as const;

test('a flag that is lowered ends its roll-out, also where that is what it was before', async (t) => {
  const { desk, rollouts, failures, share } = await scene(t);
  await desk.ask({ flag: 'checkout', verb: 'off', override: OFF, by: 'dana', reason: '', undoes: null });
  const release = await rollouts.begin('checkout', ORDER);
  await share(release);
  assert.deepEqual(failures, []);
  // While its step still waits for the gateway.
  await desk.apply([{ flag: 'checkout', ...lowered }], { service: 'web' }, () => []);
  assert.deepEqual(failures.slice(0, 1), [`${release.id} FLAG_TAKEN`]);
});

test('a flag that a release raises is not rolled out while that runs, nor the other way round', async (t) => {
  const { rollouts, raises, write, end } = await scene(t);
  const step: Step = { kind: 'flag', flag: 'checkout', variant: 'on', percent: 100 };
  const record = releaseRecord('r1');
  await write({ put: 'release', record: { ...record, plan: { ...record.plan, steps: [step] } } });
  await assert.rejects(
    rollouts.begin('checkout', ORDER),
    withCode('FLAG_REFUSED', 'r1 of web raises checkout'),
  );
  await end(record);
  const service = serviceSpec({ strategy: RAISING });
  assert.doesNotThrow(() => raises.refuseUnknown(service));
  const { id } = await rollouts.begin('checkout', ORDER);
  assert.throws(() => raises.refuseUnknown(service), withCode('FLAG_REFUSED', `which ${id} rolls out`));
});

test('a file that raises a flag too far is held back under a roll-out, too, which ends', async (t) => {
  const { desk, rollouts, failures, file, share } = await scene(t);
  const release = await rollouts.begin('checkout', ORDER);
  await share(release);
  file.text = fileOf('off', ', owner: shop');
  await desk.look();
  assert.deepEqual([desk.raisedOf('checkout'), failures], [10, []]);
  file.text = fileOf('on', ', needs: 0007-split-name');
  await desk.look();
  assert.deepEqual([desk.raisedOf('checkout'), failures.at(0)], [0, `${release.id} FLAG_TAKEN`]);
});

test('a step of a roll-out is refused above the ceiling of its moment, behind rules as well', async (t) => {
  const { desk, rollouts, file, serve, share } = await scene(t);
  const rule = '    targeting: { if: [{ var: staff }, off] }\n';
  file.text = fileOf('off').replace('    metadata', `${rule}    metadata`);
  await desk.look();
  const release = await rollouts.begin('checkout', ORDER);
  await share(release);
  await serve('web-1', 'web-1', 'web-2');
  const next = release.plan.steps.find((step) => step.kind === 'share' && step.percent === 50);
  assert.ok(next?.kind === 'share');
  const asked = { flag: 'checkout', override: next.override, by: 'dana', reason: '', release: release.id };
  await assert.rejects(
    desk.roll({ ...asked, approvedBy: null, may: () => true }),
    withCode('FLAG_CEILING', 'would be at 50%, and may be at 33% at most'),
  );
});

test('a way back after the end is refused before it begins where it would raise the flag too far', async (t) => {
  const { ledger, desk, rollouts, file, serve, shareLast, end } = await scene(t);
  file.text = fileOf('on');
  await desk.look();
  const release = await rollouts.begin('checkout', { ...ORDER, to: 'off' });
  await shareLast(release);
  await end(release);
  await serve('web-1');
  const word = { by: 'dana', reason: '' };
  await assert.rejects(rollouts.rollback('flag:checkout', word), withCode('FLAG_CEILING'));
  assert.equal(ledger.service('flag:checkout').activeRelease, null);
  await serve('web-2');
  const back = await rollouts.rollback('flag:checkout', word);
  assert.equal(ledger.service('flag:checkout').activeRelease, back.id);
});

test('a roll-out goes back whatever is in the way, and the history says what was', async (t) => {
  const { ledger, desk, rollouts, work, file, serve, shareLast } = await scene(t);
  file.text = fileOf('on');
  await desk.look();
  const release = await rollouts.begin('checkout', { ...ORDER, to: 'off' });
  await shareLast(release);
  assert.equal(desk.raisedOf('checkout'), 0);
  await serve('web-1');
  const [step] = rolloutBack(release.plan.rollout ?? assert.fail(), { code: 'RELEASE_ABORTED', detail: '' });
  const said: Fact[] = [];
  ledger.follow(({ fact }) => said.push(fact));
  const place = {
    release,
    direction: 'back',
    index: 0,
    beganAtMs: 0,
    tell: () => Promise.resolve(),
  } as const;
  const { signal } = new AbortController();
  await work.apply(step ?? assert.fail(), { ...place, signal });
  assert.equal(desk.raisedOf('checkout'), 100);
  const change = said.find(({ kind }) => kind === 'flag-changed');
  assert.ok(change?.kind === 'flag-changed');
  assert.equal(change.release, release.id);
  assert.match(change.overruled ?? '', /^checkout would be at 100%/);
});

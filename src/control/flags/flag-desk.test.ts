/**
 * Hunts changes of flags that undo each other because two were asked for at once; flags that are called as what every
 * object has; files that nobody looks at again after the disk was full; and counts that a write that failed takes along.
 */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { withCode } from '../../../test/contract/with-code.ts';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { DEFAULT_FLAGS, type FlagChoices } from '../../core/flags/choices.ts';
import type { Override } from '../../core/flags/override.ts';
import { openSqliteStore } from '../../drivers/store/sqlite/open.ts';
import type { Store } from '../../ports/store.ts';
import { Ledger } from '../ledger.ts';
import type { ControlPorts } from '../ports.ts';
import { FlagChanges } from './flag-changes.ts';
import { type Asked, FlagDesk } from './flag-desk.ts';
import { FlagRaises } from './flag-raises.ts';

const ON: Override = { type: 'fixed', variant: 'on' };
const OFF: Override = { type: 'fixed', variant: 'off' };
const CHOICES: FlagChoices = { ...DEFAULT_FLAGS, approvals: [{ flags: ['guarded'], by: [] }] };

const file = (...keys: string[]) =>
  JSON.stringify({
    flags: Object.fromEntries(
      keys.map((key) => [
        key,
        { state: 'ENABLED', variants: { on: true, off: false, toString: true }, defaultVariant: 'off' },
      ]),
    ),
  });

/** The store, the ledger and the desk are the real ones; `broken.store` makes the next writes fail. */
async function scene(t: TestContext, ...keys: string[]) {
  const root = await mkdtemp(path.join(os.tmpdir(), 'segue-flag-desk-'));
  const store = await openSqliteStore({ root });
  t.after(async () => {
    await store.close();
    await rm(root, { recursive: true });
  });
  const broken = { store: false };
  const commit: Store['commit'] = (...args) =>
    broken.store ? Promise.reject(new Error('no disk')) : store.commit(...args);
  const clock = new FakeClock();
  const fails = new Proxy(store, {
    get: (of, name) => {
      const found: unknown = name === 'commit' ? commit : Reflect.get(of, name);
      return typeof found === 'function' ? (found.bind(of) as unknown) : found;
    },
  });
  const ledger = await Ledger.open(fails, clock);
  const files = { text: file(...keys), reads: 0 };
  const flagSource = {
    read: () => {
      files.reads += 1;
      return Promise.resolve([{ name: 'flags/shop.flagd.json', text: files.text }]);
    },
    watch: () => undefined,
  };
  const ports = { store, clock, flagSource } as unknown as ControlPorts;
  const choices = () => CHOICES;
  const desk = new FlagDesk({ ports, ledger, choices, onFault: () => undefined });
  await desk.look();
  const changes = new FlagChanges({ desk, store, choices });
  const raises = new FlagRaises({ ledger, desk, clock, choices });
  return { store, ledger, clock, desk, changes, raises, files, broken };
}

const asked = (flag: string, override: Override | null, by = 'dana'): Asked => ({
  ...{ flag, verb: 'set', override, by, reason: 'a test', undoes: null },
});

test('two who approve at once do it once, and what was asked for meanwhile waits on', async (t) => {
  const { desk, changes } = await scene(t, 'guarded', 'plain');
  const first = await desk.ask(asked('guarded', ON));
  const second = await desk.ask(asked('guarded', OFF));
  assert.ok(first.type === 'waiting' && second.type === 'waiting');
  const { number } = first.pending;
  const [one, other, also] = await Promise.allSettled([
    desk.approve(number, 'chris'),
    desk.approve(number, 'eve'),
    desk.approve(second.pending.number, 'eve'),
  ]);
  assert.deepEqual([one.status, other.status, also.status], ['fulfilled', 'rejected', 'fulfilled']);
  assert.deepEqual(desk.pending, []);
  assert.equal((await changes.history('guarded', 10)).changes.length, 2);
  const [waiting] = await Promise.all([desk.ask(asked('guarded', ON)), desk.ask(asked('plain', ON))]);
  assert.equal(waiting.type, 'waiting');
  assert.equal(desk.pending.length, 1, 'another change at the same moment does not forget it');
});

test('what is undone is what it was when it is written: somebody who was faster is not overruled', async (t) => {
  const { desk, changes } = await scene(t, 'guarded', 'plain');
  const word = { by: 'dana', reason: 'a test' };
  const made = await desk.ask(asked('plain', ON));
  assert.ok(made.type === 'changed');
  const [undone] = await Promise.allSettled([
    changes.undo(made.number, word),
    desk.ask(asked('plain', OFF, 'eve')),
  ]);
  if (undone.status === 'fulfilled') assert.deepEqual(desk.overrideOf('plain'), OFF, 'eve came after it');
  else assert.deepEqual(desk.overrideOf('plain'), OFF);
  const waiting = await desk.ask(asked('guarded', ON));
  assert.ok(waiting.type === 'waiting');
  const set = await desk.approve(waiting.pending.number, 'eve');
  assert.ok(set.type === 'changed');
  const undo = await changes.undo(set.number, word);
  assert.ok(undo.type === 'waiting');
  await desk.ask({ ...asked('guarded', OFF, 'eve'), verb: 'off' });
  await assert.rejects(desk.approve(undo.pending.number, 'chris'), withCode('FLAG_REFUSED'));
  assert.deepEqual(desk.overrideOf('guarded'), OFF);
});

test('of two who make the same flag one is refused', async (t) => {
  const { changes } = await scene(t, 'plain');
  const definition = { state: 'ENABLED', variants: { on: true }, defaultVariant: 'on' };
  const request = { by: 'dana', reason: '', to: { type: 'definition', definition, isNew: true } } as const;
  const made = await Promise.allSettled([changes.change('fresh', request), changes.change('fresh', request)]);
  assert.deepEqual(made.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
});

test('a flag may be called as what every object has, and a variant too', async (t) => {
  const names = ['constructor', 'toString', 'hasOwnProperty'];
  const { desk, ledger } = await scene(t, ...names);
  for (const name of names) {
    assert.equal(desk.evaluate(name, {}, 'a test').variant, 'off', name);
    assert.equal(desk.overrideOf(name), null);
    await desk.ask(asked(name, { type: 'fixed', variant: 'toString' }));
    assert.equal(desk.evaluate(name, {}, 'a test').variant, 'toString', name);
    assert.deepEqual(desk.usageOf(name)?.variants, { off: 1, toString: 1 });
    await desk.ask(asked(name, null));
    assert.equal(desk.knownSinceMs(name), desk.knownSinceMs('nobody'));
  }
  const known: unknown = JSON.parse(ledger.setting('flag-known-since') ?? '{}');
  assert.deepEqual(Object.keys(known ?? {}).toSorted(), names.toSorted());
});

test('files that could not be written down are looked at again, and many who ask are one look', async (t) => {
  const { desk, files, broken } = await scene(t, 'plain');
  files.text = file('plain', 'more');
  broken.store = true;
  await assert.rejects(desk.look(), /no disk/);
  assert.equal(desk.definitionOf('more'), null);
  broken.store = false;
  files.reads = 0;
  await Promise.all(Array.from({ length: 50 }, () => desk.look()));
  assert.notEqual(desk.definitionOf('more'), null);
  assert.ok(files.reads <= 2, `${files.reads} times`);
});

test('counts of a write that failed are in the next one', async (t) => {
  const { desk, ledger, broken } = await scene(t, 'plain');
  desk.evaluate('plain', {}, 'a test');
  broken.store = true;
  await desk.usage.close();
  broken.store = false;
  await desk.usage.close();
  assert.match(ledger.setting('flag-usage') ?? '', /"evaluations":1/);
});

test('a release that ends leaves alone what another one raises at that moment', async (t) => {
  const { ledger, raises, desk } = await scene(t, 'plain', 'other');
  const raise = (flag: string, id: string) =>
    raises.raise(
      { kind: 'flag', flag, variant: 'on', percent: 100 },
      {
        release: { id, service: 'web', from: 'v1', to: 'v2', by: 'dana' },
        ...{ index: 0, signal: new AbortController().signal },
      },
    );
  await raise('plain', 'r1');
  const ended = { id: 'r1', service: 'web', state: { phase: 'ended', outcome: 'done', cause: null } };
  await Promise.all([raise('other', 'r2'), raises.leave(ended as Parameters<FlagRaises['leave']>[0])]);
  assert.deepEqual(desk.overrideOf('other'), ON);
  const left = JSON.parse(ledger.setting('flag-raises') ?? '{}') as Readonly<Record<string, unknown>>;
  assert.deepEqual(Object.keys(left), ['other']);
});

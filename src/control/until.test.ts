/** Hunts a wait that ends too early, too late or never, and one that forgets what it saw or stays subscribed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { until } from './until.ts';

class Switch {
  on = false;
  readonly listeners = new Set<() => void>();
  readonly onChange = (check: () => void) => {
    this.listeners.add(check);
    return () => this.listeners.delete(check);
  };
  set(on: boolean): void {
    this.on = on;
    for (const listener of this.listeners) listener();
  }
}

function waitFor(light: Switch, withinMs: number, signal = new AbortController().signal) {
  const clock = new FakeClock();
  return { clock, held: until(() => light.on, light.onChange, { clock, withinMs, signal }) };
}

test('true at once when it holds already, even when the time is over and the wait was called off', async () => {
  const light = new Switch();
  light.set(true);
  assert.equal(await waitFor(light, 0, AbortSignal.abort(new Error('called off'))).held, true);
});

test('true as soon as it holds', async () => {
  const light = new Switch();
  const { held } = waitFor(light, 1_000);
  light.set(true);
  assert.equal(await held, true);
  assert.equal(light.listeners.size, 0);
});

test('true when it held for a moment only: it was seen', async () => {
  const light = new Switch();
  const { held } = waitFor(light, 1_000);
  light.set(true);
  light.set(false);
  assert.equal(await held, true);
});

test('false when the time passes, and nobody listens any more', async () => {
  const light = new Switch();
  const { clock, held } = waitFor(light, 1_000);
  await clock.advance(1_000);
  assert.equal(await held, false);
  assert.equal(light.listeners.size, 0);
  assert.equal(clock.sleeping, 0);
});

test('rejects with the reason of whoever calls it off', async () => {
  const light = new Switch();
  const caller = new AbortController();
  const { clock, held } = waitFor(light, 1_000, caller.signal);
  caller.abort(new Error('changed my mind'));
  await assert.rejects(held, /changed my mind/);
  assert.equal(light.listeners.size, 0);
  assert.equal(clock.sleeping, 0);
});

/** Hunts an instance that gets more than this process's part of its bound, and a service of many workers that gets none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_POLICY } from '../core/traffic/policy.ts';
import { Instance } from './instance.ts';
import { Sweep } from './sweep.ts';

test('a bound is shared out, and everybody has at least one', (t) => {
  const sweep = new Sweep();
  t.after(() => sweep.stop());
  const backend = { id: 'a', version: 'v1', host: '127.0.0.1', port: 1 };
  const { gate } = new Instance('web', backend, { sweep, onIdle: () => undefined, protocol: 'http1' });
  const roomFor = (requestsMax: number | null, connectionsMax: number | null, workers: number) => {
    const policy = { ...DEFAULT_POLICY, instance: { requestsMax, connectionsMax } };
    gate.configure({
      policy,
      share: 1 / workers,
      onFreed: () => undefined,
      onAnswered: () => undefined,
      mayEject: () => false,
    });
    return gate.room;
  };
  assert.equal(roomFor(null, null, 3), Infinity);
  assert.equal(roomFor(10, null, 1), 10);
  assert.equal(roomFor(10, null, 3), 3);
  assert.equal(roomFor(10, 7, 3), 2);
  assert.equal(roomFor(1, null, 4), 1);
});

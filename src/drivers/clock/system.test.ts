/** Bugs hunted: long sleeps that end at once, and sleeps that go on after they were called off. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock, systemRandomness } from './system.ts';

describe('the system clock', () => {
  it('sleeps at least as long as it is told', async () => {
    const startMs = systemClock.monotonicMs();
    await systemClock.sleep(30);
    assert.ok(systemClock.monotonicMs() - startMs >= 30);
  });

  it('sleeps longer than a timer of Node can, until it is called off with the reason', async () => {
    const reason = new Error('enough');
    const off = new AbortController();
    const asleep = systemClock.sleep(2 ** 40, off.signal);
    const first = await Promise.race([asleep.then(() => 'woke'), systemClock.sleep(50).then(() => 'sleeps')]);
    assert.equal(first, 'sleeps');
    off.abort(reason);
    await assert.rejects(asleep, reason);
    await assert.rejects(systemClock.sleep(10, off.signal), reason);
    await assert.rejects(systemClock.sleep(0, off.signal), reason);
  });
});

describe('the system randomness', () => {
  it('is as long as asked, and new each time', () => {
    assert.match(systemRandomness.hex(16), /^[0-9a-f]{32}$/);
    assert.notEqual(systemRandomness.hex(16), systemRandomness.hex(16));
  });
});

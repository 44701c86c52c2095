/** Hunts an upload that is cut although it goes on, one that trickles for ever, and time charged to the wrong side. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UploadPace } from './upload-pace.ts';

test('a body that goes on at a fair pace is never late, however long it takes', () => {
  const body = { complete: false, receivedBytes: 0 };
  const pace = new UploadPace(body, 1_000, 0);
  for (let nowMs = 0; nowMs < 10_000_000; nowMs += 900) {
    body.receivedBytes = nowMs;
    assert.ok(pace.dueMs(nowMs) > nowMs + 900);
  }
  body.complete = true;
  assert.equal(pace.dueMs(0), Infinity);
});

test('one that stops is late after its time, and one that trickles is too', () => {
  const stopped = new UploadPace({ complete: false, receivedBytes: 1_000_000 }, 1_000, 500);
  assert.equal(stopped.dueMs(600), 1_600);
  const body = { complete: false, receivedBytes: 0 };
  const trickle = new UploadPace(body, 1_000, 0);
  let nowMs = 0;
  while (trickle.dueMs(nowMs) > nowMs) {
    nowMs += 100;
    body.receivedBytes += 1;
  }
  assert.ok(nowMs >= 1_000 && nowMs < 1_200, `${nowMs} ms for a byte each 100 ms`);
});

test('while the instance does not read, the client is not late', () => {
  const pace = new UploadPace({ complete: false, receivedBytes: 10 }, 1_000, 0);
  pace.pause(100);
  pace.pause(200);
  assert.equal(pace.dueMs(50_000), Infinity);
  pace.resume(60_000);
  pace.resume(70_000);
  assert.equal(pace.dueMs(60_000), 59_900 + 20 + 1_000);
});

/** Hunts a frame end that is found at the wrong byte when frames and chunks do not agree. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { closeFrame, FrameTracker, SERVICE_RESTART } from './websocket-frames.ts';

function frame(payloadBytes: number, masked: boolean, opcode = 2): Buffer {
  const mask = masked ? 0x80 : 0;
  const length =
    payloadBytes < 126
      ? Buffer.from([mask | payloadBytes])
      : payloadBytes < 65_536
        ? Buffer.from([mask | 126, payloadBytes >> 8, payloadBytes & 0xff])
        : Buffer.from([
            mask | 127,
            0,
            0,
            0,
            0,
            0,
            payloadBytes >> 16,
            (payloadBytes >> 8) & 0xff,
            payloadBytes & 0xff,
          ]);
  return Buffer.concat([
    Buffer.from([0x80 | opcode]),
    length,
    Buffer.alloc(masked ? 4 : 0, 0x82),
    Buffer.alloc(payloadBytes, 0x88),
  ]);
}

test('every end is found, however the bytes are cut', () => {
  const sizes = fc.array(fc.constantFrom(0, 1, 125, 126, 300, 65_535, 65_536), {
    minLength: 1,
    maxLength: 6,
  });
  fc.assert(
    fc.property(sizes, fc.boolean(), fc.integer({ min: 1, max: 70_000 }), (payloads, masked, cut) => {
      const frames = payloads.map((bytes) => frame(bytes, masked));
      const stream = Buffer.concat(frames);
      const expected = frames.reduce<number[]>((ends, f) => [...ends, (ends.at(-1) ?? 0) + f.length], []);
      const tracker = new FrameTracker();
      const ends: number[] = [];
      for (let at = 0; at < stream.length; at += cut) {
        const chunk = stream.subarray(at, at + cut);
        for (let from = 0; from < chunk.length;) {
          const end = tracker.nextEnd(chunk, from);
          if (end === undefined) break;
          assert.ok(tracker.atBoundary);
          ends.push(at + end);
          from = end;
        }
      }
      assert.deepEqual(ends, expected);
      assert.equal(tracker.closed, false);
    }),
    { numRuns: 60 },
  );
});

test('one byte at a time, only the last one is at a boundary', () => {
  const bytes = frame(200, true);
  const tracker = new FrameTracker();
  const at = [...bytes].map((byte) => {
    tracker.pass(Buffer.from([byte]));
    return tracker.atBoundary;
  });
  assert.equal(at.indexOf(true), bytes.length - 1);
});

test('a close frame is seen, and ours reads 1012', () => {
  const close = closeFrame(SERVICE_RESTART, 'again');
  assert.deepEqual([...close.subarray(0, 4)], [0x88, 7, 0x03, 0xf4]);
  const tracker = new FrameTracker();
  tracker.pass(close.subarray(0, 6));
  assert.equal(tracker.closed, false);
  tracker.pass(close.subarray(6));
  assert.equal(tracker.closed, true);
});

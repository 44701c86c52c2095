/** Hunts an event stream that is ended inside an event. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventBoundaries } from './event-boundaries.ts';

const STREAM = Buffer.from('data: a\n\ndata: b\r\n\r\n: note\n\nid: 1\ndata: c\n\nrest');
const ENDS = [9, 20, 28, 43];

for (const cut of [1, 2, 3, 7, 100]) {
  test(`ends are found in parts of ${cut} bytes`, () => {
    const boundaries = new EventBoundaries();
    const ends: number[] = [];
    for (let at = 0; at < STREAM.length; at += cut) {
      const chunk = STREAM.subarray(at, at + cut);
      for (let from = 0; from < chunk.length;) {
        const end = boundaries.nextEnd(chunk, from);
        if (end === undefined) break;
        assert.ok(boundaries.atBoundary);
        ends.push(at + end);
        from = end;
      }
    }
    assert.deepEqual(ends, ENDS);
    assert.equal(boundaries.atBoundary, false);
  });
}

test('before the first byte nothing is torn', () => assert.ok(new EventBoundaries().atBoundary));

/** Bugs hunted: characters torn between two reads, lines lost or joined, and a line without end kept in memory. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { limits } from '../../../core/limits.ts';
import { LineSplitter } from './line-splitter.ts';

const split = (chunks: readonly Uint8Array[]) => {
  const splitter = new LineSplitter();
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), splitter.rest()];
};

describe('LineSplitter', () => {
  it('gives the same lines however the bytes arrive', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.array(fc.nat(50)), (texts, cuts) => {
        const lines = texts.map((text) => text.replaceAll(/[\r\n\uFEFF]/g, ''));
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const ends = [...cuts.filter((cut) => cut < bytes.length), bytes.length].sort((a, b) => a - b);
        const chunks = ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
        assert.deepEqual(split(chunks), [...lines, null]);
      }),
    );
  });

  it('keeps the last line until it is asked for', () => {
    assert.deepEqual(split([Buffer.from('one\r\ntw'), Buffer.from('o')]), ['one', 'two']);
  });

  it('replaces bytes that are no text, and goes on', () => {
    assert.deepEqual(split([Buffer.from([0xff, 0x41, 0x0a, 0xe2, 0x82]), Buffer.from('\nB\n')]), [
      '\u{FFFD}A',
      '\u{FFFD}',
      'B',
      null,
    ]);
  });

  it('hands a line without end on in pieces, of which none is lost', () => {
    const chunk = Buffer.alloc(limits.log.lineCharsMax / 4 + 1, 'x');
    const pieces = split(Array.from({ length: 40 }, () => chunk));
    assert.equal(pieces.join('').length, 40 * chunk.length);
    assert.ok(pieces.every((piece) => (piece?.length ?? 0) <= limits.log.lineCharsMax));
  });
});

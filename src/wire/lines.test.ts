/** Hunts lines that are torn, joined or without bound when chunks and lines do not agree. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineSplitter } from './lines.ts';

test('lines come out whole, letters of several bytes included, however they are cut', () => {
  const bytes = Buffer.from('eins\n\nzwölf ✓\nrest');
  for (let cut = 1; cut <= bytes.length; cut += 1) {
    const splitter = new LineSplitter(100);
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += cut) lines.push(...splitter.push(bytes.subarray(at, at + cut)));
    assert.deepEqual(lines, ['eins', '', 'zwölf ✓']);
  }
});

test('a line without an end is not kept for ever', () => {
  const splitter = new LineSplitter(10);
  assert.deepEqual(splitter.push(Buffer.from('0123456789\n0123')), ['0123456789']);
  assert.throws(() => splitter.push(Buffer.from('4567890')), RangeError);
});

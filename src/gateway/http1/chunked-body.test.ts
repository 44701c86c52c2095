/** Hunts a body that ends elsewhere when its bytes come in other parts, or that brings along what it should not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { limits } from '../../core/limits.ts';
import { ChunkedBody } from './chunked-body.ts';

interface Passed {
  readonly text: string;
  readonly read: number;
  readonly ended: boolean;
  readonly fine: boolean;
}

/** In parts of the given sizes, the last size again and again. */
function pass(text: string, keepsFraming: boolean, sizes: readonly number[]): Passed {
  const body = new ChunkedBody({ keepsFraming });
  let sent = '';
  let at = 0;
  for (let i = 0; at < text.length && !body.ended; i += 1) {
    const size = sizes[Math.min(i, sizes.length - 1)] ?? 1;
    const bytes = Buffer.from(text.slice(at, at + size), 'latin1');
    if (!body.pass(bytes, 0, bytes.length)) return { text: sent, read: at, ended: false, fine: false };
    sent += bytes.toString('latin1', 0, body.sentTo);
    at += body.readTo;
  }
  return { text: sent, read: at, ended: body.ended, fine: true };
}

const chunk = fc.record({
  data: fc.string({ minLength: 1, maxLength: 40, unit: fc.constantFrom('a', '\r', '\n', '0', ';') }),
  zeros: fc.constantFrom('', '0', '00'),
  extension: fc.constantFrom('', ';a', ';a=b', ';a="b;\\"c"', ';a;b=c'),
});
const trailers = fc.constantFrom('', 'X-Sum: 42\r\n', 'A: \r\nB: b\xe9\r\n');
const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 });

test('however the bytes are cut, the data, the end and what stays of the framing are the same', () => {
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 5 }), trailers, sizes, (chunks, trailer, parts) => {
      const line = (data: string, zeros: string) => `${zeros}${data.length.toString(16)}`;
      const whole = chunks.map((c) => `${line(c.data, c.zeros)}${c.extension}\r\n${c.data}\r\n`).join('');
      const framed = chunks.map((c) => `${line(c.data, c.zeros)}\r\n${c.data}\r\n`).join('');
      const text = `${whole}0\r\n${trailer}\r\n`;
      const read = text.length;
      assert.deepEqual(pass(`${text}NEXT`, true, parts), {
        text: `${framed}0\r\n${trailer}\r\n`,
        read,
        ended: true,
        fine: true,
      });
      const data = chunks.map((c) => c.data).join('');
      assert.deepEqual(pass(`${text}NEXT`, false, parts), { text: data, read, ended: true, fine: true });
    }),
  );
});

for (const text of [
  '\r\n',
  'g\r\n',
  '-1\r\n',
  '5 \r\n',
  ' 5\r\n',
  '5\n',
  '5;\r\n',
  '5; a\r\n',
  '5;a=\r\n',
  '5;a="\n"\r\n',
  '5\r\nhelloX',
  '5\r\nhello\n',
  '5\r\nhello\rX',
  '10000000000000\r\n',
  '0\r\n:\r\n',
  '0\r\nX\r\n',
  '0\r\nX : y\r\n',
  '0\r\n X: y\r\n',
  '0\r\nX: y\n',
  '0\r\nX: \0\r\n',
  '0\r\nContent-Length: 5\r\n',
  '0\r\ntransfer-encoding: chunked\r\n',
  '0\r\nContent_Length: 5\r\n',
  '0\r\n\rX',
  `1;${'a'.repeat(limits.gateway.chunkExtensionBytesMax)}`,
  `0\r\nX: ${'a'.repeat(limits.gateway.trailerBytesMax)}`,
]) {
  test(`${JSON.stringify(text.slice(0, 40))} is refused`, () => {
    assert.equal(pass(text, true, [text.length]).fine, false);
    assert.equal(pass(text, false, [1]).fine, false);
  });
}

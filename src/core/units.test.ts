/**
 * Bugs hunted: a time that is read as another one than was written, a rounding that prints `60s` or `60m`,
 * words that are accepted although they mean nothing (`5x`, `-1s`, `1e3s`), shares above 100%.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  count,
  formatBytes,
  formatDurationMs,
  parseBytes,
  parseDurationMs,
  parseSharePercent,
} from './units.ts';

test('durations are read in every unit', () => {
  const cases: [string, number][] = [
    ['0', 0],
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5s', 1_500],
    ['10m', 600_000],
    ['2 h', 7_200_000],
    ['7d', 604_800_000],
    ['0.4ms', 0],
  ];
  for (const [text, ms] of cases) assert.equal(parseDurationMs(text), ms, text);
});

test('what is not a duration is refused', () => {
  const wrong = ['', '5', '5x', 's', '-1s', '+1s', '1e3s', '1.s', '.5s', '1,5s', ' 1s', '1s ', '1m30s', '1S'];
  for (const text of [...wrong, '99999999999999999d', 'constructor', '1constructor'])
    assert.equal(parseDurationMs(text), undefined, text);
});

test('a whole number of any unit survives being read', () => {
  const unit = fc.constantFrom(['ms', 1], ['s', 1_000], ['m', 60_000], ['h', 3_600_000], ['d', 86_400_000]);
  fc.assert(
    fc.property(fc.nat({ max: 1_000_000 }), unit, (n, [name, ms]) => {
      assert.equal(parseDurationMs(`${n}${name}`), n * ms);
    }),
  );
});

test('durations are printed in the shortest honest form', () => {
  const cases: [number, string][] = [
    [0, '0ms'],
    [-5, '0ms'],
    [0.25, '0.3ms'],
    [9.96, '10ms'],
    [480, '480ms'],
    [999.6, '1s'],
    [2_400, '2.4s'],
    [59_960, '1m'],
    [60_000, '1m'],
    [200_000, '3m 20s'],
    [3_599_800, '1h'],
    [7_500_000, '2h 5m'],
    [86_399_000, '1d'],
    [356_400_000, '4d 3h'],
  ];
  for (const [ms, text] of cases) assert.equal(formatDurationMs(ms), text, String(ms));
});

test('a printed duration is within one last digit of the true one', () => {
  const readMs = (text: string) =>
    text.split(' ').reduce((sum, part) => sum + Number(parseDurationMs(part)), 0);
  fc.assert(
    fc.property(fc.integer({ min: 10, max: 90 * 86_400_000 }), (ms) => {
      const lastDigitMs = ms < 1_000 ? 1 : ms < 60_000 ? 100 : ms < 3_600_000 ? 1_000 : 60_000;
      const stepMs = ms < 86_400_000 ? lastDigitMs : 3_600_000;
      const text = formatDurationMs(ms);
      assert.ok(Math.abs(readMs(text) - ms) <= stepMs / 2, `${ms} became ${text}`);
    }),
  );
});

test('no printed part reaches the next unit', () => {
  const fullPart = /\b(1000ms|60s|60m|24h)\b/;
  fc.assert(
    fc.property(fc.double({ min: 0, max: 90 * 86_400_000, noNaN: true }), (ms) => {
      assert.doesNotMatch(formatDurationMs(ms), fullPart);
    }),
    { examples: [[999.5], [999.99], [59_950], [59_999], [3_599_500], [86_370_000]] },
  );
});

test('shares are read with and without the sign, up to 100', () => {
  const cases: [string, number | undefined][] = [
    ['5%', 5],
    ['5', 5],
    ['0.5 %', 0.5],
    ['100%', 100],
    ['0', 0],
    ['100.1', undefined],
    ['-1', undefined],
    ['five', undefined],
    ['', undefined],
  ];
  for (const [text, percent] of cases) assert.equal(parseSharePercent(text), percent, text);
});

test('bytes are printed in the unit that fits', () => {
  const cases: [number, string][] = [
    [0, '0 B'],
    [1_023, '1023 B'],
    [1_024, '1.0 KB'],
    [10 * 1_024, '10 KB'],
    [1_024 ** 2 - 1, '1.0 MB'],
    [1.5 * 1_024 ** 3, '1.5 GB'],
    [5_000 * 1_024 ** 4, '5000 TB'],
  ];
  for (const [bytes, text] of cases) assert.equal(formatBytes(bytes), text, String(bytes));
});

test('counted nouns', () => {
  assert.equal(count(1, 'request'), '1 request');
  assert.equal(count(0, 'request'), '0 requests');
  assert.equal(count(2, 'process'), '2 processes');
});

test('sizes are read in units of 1024, and nothing else is', () => {
  const cases: [string, number | undefined][] = [
    ['0', 0],
    ['512', 512],
    ['500KB', 512_000],
    ['1.5 mb', 1_572_864],
    ['10MB', 10_485_760],
    ['1GB', 2 ** 30],
    ['-1', undefined],
    ['10M', undefined],
    ['1e3', undefined],
    ['9000000TB', undefined],
    ['', undefined],
  ];
  for (const [text, size] of cases) assert.equal(parseBytes(text), size, text);
});

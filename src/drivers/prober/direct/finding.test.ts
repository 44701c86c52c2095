/** Bugs hunted: control sequences of another program in our terminal and logs, and details without end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nameOf, oneLine, placeOf } from './finding.ts';

describe('oneLine', () => {
  it('is one printable line of limited length', () => {
    assert.equal(oneLine(' a\r\n\tb\u001B[2J\u0000c\u2028d '), 'a b [2J c d');
    assert.equal(oneLine('abcdef', 4), 'abc…');
    assert.equal(oneLine('abcd', 4), 'abcd');
  });
});

describe('nameOf', () => {
  it('names an address without its credentials and query', () => {
    const expect = { status: null, contains: null, headers: {} };
    const url = 'https://u:p@example.com/ready?token=t#f';
    assert.equal(
      nameOf({ type: 'http', url, method: 'HEAD', headers: {}, body: null, expect }),
      'HEAD /ready',
    );
    assert.equal(nameOf({ type: 'tcp', host: '::1', port: 5432 }), 'connecting to [::1]:5432');
    assert.equal(placeOf('[::1]', 80), '[::1]:80');
  });
});

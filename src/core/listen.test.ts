/** Hunts an address that nobody can type into a browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeListen } from './listen.ts';

test('an address is shown as people type it', () => {
  const shown = (host: string) => describeListen({ host, port: 8080 });
  assert.equal(shown('0.0.0.0'), 'http://localhost:8080');
  assert.equal(shown(''), 'http://localhost:8080');
  assert.equal(shown('::'), 'http://localhost:8080');
  assert.equal(shown('::1'), 'http://[::1]:8080');
  assert.equal(shown('192.0.2.1'), 'http://192.0.2.1:8080');
});

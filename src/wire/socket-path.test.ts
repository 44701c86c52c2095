/** Hunts a project folder that is too deep for its sockets although there is a shorter name for them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { socketPath } from './socket-path.ts';

const deep = `/${'x'.repeat(200)}`;

test('the shorter of the two names', () => {
  assert.equal(socketPath(`${deep}/.segue/a.sock`, deep), '.segue/a.sock');
  assert.equal(socketPath('/p/a.sock', '/far/away/from/it'), '/p/a.sock');
});

test('too long either way is an error that says so', () => {
  assert.throws(() => socketPath(`${deep}/a.sock`, '/'), { code: 'SOCKET_PATH_TOO_LONG' });
});

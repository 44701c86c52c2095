/** Hunts messages that end a release without saying why, or that accuse an instance of what it did not do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crashLoop, describeExit, exitFailure, readyFailure } from './instance-failure.ts';

test('an exit is told by its signal, its code, or as an end that nobody saw', () => {
  assert.equal(describeExit(null, 'SIGSEGV'), 'was ended by SIGSEGV');
  assert.equal(describeExit(0, null), 'exited with 0');
  assert.match(describeExit(127, null), /command not found/);
  assert.equal(describeExit(null, null), 'ended');
});

test('the last lines are quoted, and their absence is said', () => {
  assert.deepEqual(exitFailure('web-r2-1', 'exited with 7', ['a', 'b']), {
    code: 'INSTANCE_EXITED',
    detail: 'web-r2-1 exited with 7. Its last lines:\n  | a\n  | b',
  });
  assert.match(crashLoop('web-r2-1', 'ended', 3, []).detail, /crash 3\. It wrote nothing\.$/);
});

const unready = { id: 'web-r2-1', withinMs: 60_000, port: 20_001, trouble: 'HTTP 503', lastLines: [] };

test('another port is the reason only when the instance listens, and not on its own', () => {
  const code = (listening: readonly number[] | null) => readyFailure({ ...unready, listening }).code;
  assert.equal(code([3000]), 'WRONG_PORT');
  assert.equal(code([3000, 20_001]), 'INSTANCE_NOT_READY');
  assert.equal(code([]), 'INSTANCE_NOT_READY');
  assert.equal(code(null), 'INSTANCE_NOT_READY');
  assert.match(readyFailure({ ...unready, listening: [3000] }).detail, /20001 and listens on 3000/);
});

test('what was seen last is said, with the time that it had', () => {
  assert.match(readyFailure({ ...unready, listening: null }).detail, /after 60s: HTTP 503/);
  const unseen = { ...unready, trouble: null, listening: null };
  assert.match(readyFailure(unseen).detail, /no check has passed/);
});

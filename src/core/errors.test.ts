/**
 * Bugs hunted: an error that loses its code or its detail on the way through the journal or the API, a table
 * entry that says nothing to do, an exit code that does not fit the HTTP status.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import { describeError, ERRORS, SegueError, toErrorRecord } from './errors.ts';

test('every error says in whole sentences what happened and what to do', () => {
  for (const [code, { what, next }] of Object.entries(ERRORS)) {
    assert.match(code, /^[A-Z]+(_[A-Z]+)*$/);
    assert.match(what, /^(?:[A-Z]|segue\.yaml).*\.$/, `${code}: ${what}`);
    assert.match(next, /^[A-Z].*[.)]$/, `${code}: ${next}`);
  }
});

test('no two errors say the same', () => {
  const texts = Object.values(ERRORS).map(({ what }) => what);
  assert.equal(new Set(texts).size, texts.length);
});

test('exit codes and HTTP statuses tell the same story', () => {
  for (const [code, { exit, http }] of Object.entries(ERRORS)) {
    assert.ok(http === 202 ? exit === 4 : http >= 400 && http <= 599, `${code}: ${http}`);
    if (http === 400) assert.ok(exit === 2 || exit === 5, `${code}: a bad request is not Segue's failure`);
    if (http === 500) assert.equal(exit, 1, `${code}: a status 500 is unexpected`);
    if (exit === 3)
      assert.ok(http === 409 || http === 422, `${code}: a release that went back was understood`);
  }
});

test('an error carries its code, place, cause and advice', () => {
  const place = { file: 'segue.yaml', line: 3, column: 7 };
  const cause = new Error('ENOSPC');
  const error = new SegueError('DISK_FULL', '/srv has 0 bytes free.', { place, cause });
  assert.ok(error instanceof Error);
  assert.equal(error.name, 'SegueError');
  assert.equal(error.message, `${ERRORS.DISK_FULL.what} /srv has 0 bytes free.`);
  assert.equal(error.next, ERRORS.DISK_FULL.next);
  assert.equal(error.exitCode, 5);
  assert.equal(error.place, place);
  assert.equal(error.cause, cause);
});

test('without a detail the message is the sentence of the table', () => {
  assert.equal(new SegueError('FILE_MISSING').message, ERRORS.FILE_MISSING.what);
  assert.equal(describeError({ code: 'FILE_MISSING', detail: '' }), ERRORS.FILE_MISSING.what);
});

test('a record keeps code and detail, and survives JSON', () => {
  const error = new SegueError('SMOKE_FAILED', 'GET / gave 500, expected 200.');
  const record = toErrorRecord(error);
  assert.deepEqual(JSON.parse(JSON.stringify(record)), record);
  assert.equal(describeError(record), error.message);
});

test('what is not an error of Segue is reported as unexpected, with what it said', () => {
  assert.deepEqual(toErrorRecord(new TypeError('x is not a function')), {
    code: 'UNEXPECTED',
    detail: 'x is not a function',
  });
  assert.deepEqual(toErrorRecord('plain text'), { code: 'UNEXPECTED', detail: 'plain text' });
  assert.deepEqual(toErrorRecord(undefined), { code: 'UNEXPECTED', detail: 'undefined' });
});
